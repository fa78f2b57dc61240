// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_tls.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

thread_local std::string verification_failure;

int note_verification(int good, X509_STORE_CTX* store) {
    if (good == 0) {
        verification_failure = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
    return good;
}

// OpenSSL compares the name itself, as a part of verifying the chain.
bool require_host(SSL_CTX* context, const std::string& host) {
    X509_VERIFY_PARAM* wanted = SSL_CTX_get0_param(context);
    Poco::Net::IPAddress address;
    return (Poco::Net::IPAddress::tryParse(host, address)
                ? X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str())
                : X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size())) == 1;
}

Poco::Net::Context::Ptr make_context(const FtpOptions& options) {
    using Poco::Net::Context;
    Context::Params wanted;
    wanted.caLocation = options.ca_file;
    wanted.loadDefaultCAs = options.ca_file.empty();
    wanted.certificateFile = options.client_cert;
    wanted.privateKeyFile = options.client_key.empty() ? options.client_cert : options.client_key;
    wanted.verificationMode = options.verify_peer ? Context::VERIFY_STRICT : Context::VERIFY_NONE;
    Context::Ptr context = new Context(Context::TLS_CLIENT_USE, wanted);
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    SSL_CTX* raw = context->sslContext();
    // Many servers end a data connection without saying so in TLS; its completeness is told by the reply.
    SSL_CTX_set_options(raw, SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (options.verify_peer) {
        SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, note_verification);
        if (!require_host(raw, options.host)) {
            throw StatusError({StatusCode::configuration, StatusScope::stream,
                               "outgoing.target_host cannot be looked for in a certificate"});
        }
    }
    return context;
}

}  // namespace

TlsClient::TlsClient(const FtpOptions& options) : host_(options.host) {
    if (options.tls == Tls::none) {
        return;
    }
    try {
        context_ = make_context(options);
    } catch (const Poco::Exception& error) {
        throw StatusError(
            {StatusCode::configuration, StatusScope::stream,
             "ftp.ca_file, ftp.client_cert or ftp.client_key cannot be used: " + error.displayText()});
    }
}

std::string take_verification_failure() {
    return std::exchange(verification_failure, {});
}

}  // namespace mistamover::ftp
