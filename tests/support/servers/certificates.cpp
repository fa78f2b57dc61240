// SPDX-License-Identifier: BSD-3-Clause
#include "servers/certificates.hpp"

#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace mistamover::test {

void write_certificate(const Certificate& certificate, const std::filesystem::path& file) {
    constexpr unsigned key_bits = 2048;
    constexpr long day = 86'400;
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_RSA_gen(key_bits), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
    X509* const x509 = made.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -2 * day);
    X509_gmtime_adj(X509_getm_notAfter(x509), certificate.expired ? -day : day);
    X509_set_pubkey(x509, key.get());
    X509_NAME* const name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(x509, name);
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> subject(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, certificate.subject.c_str()),
        X509_EXTENSION_free);
    X509_add_ext(x509, subject.get(), -1);
    const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(file.c_str(), "we"), std::fclose);
    if (X509_sign(x509, key.get(), EVP_sha256()) == 0 || !out ||
        PEM_write_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
        PEM_write_X509(out.get(), x509) != 1) {
        throw std::runtime_error("no certificate can be written to " + file.string());
    }
}

}  // namespace mistamover::test
