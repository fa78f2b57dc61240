// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_options.hpp"

#include <fstream>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
    throw StatusError({StatusCode::configuration, StatusScope::stream, reason});
}

bool has_line_break(const std::string& text) {
    return text.find_first_of("\r\n") != std::string::npos;
}

Tls tls_of(const std::string& name) {
    if (name == "explicit") {
        return Tls::on_request;
    }
    return name == "implicit" ? Tls::from_start : Tls::none;
}

std::uint16_t port_of(const Options& options, Tls tls) {
    constexpr std::int64_t plain_port = 21;
    constexpr std::int64_t implicit_port = 990;
    const std::int64_t port =
        options.optional_integer("port").value_or(tls == Tls::from_start ? implicit_port : plain_port);
    if (port < 1 || port > 65535) {
        refuse("ftp.port must lie between 1 and 65535");
    }
    return static_cast<std::uint16_t>(port);
}

void check(const FtpOptions& options) {
    if (options.host.empty() || options.host.find_first_of("/@ \t\r\n") != std::string::npos) {
        refuse("outgoing.target_host must be a host's name or address with the module ftp, not \"" +
               options.host + "\"");
    }
    if (has_line_break(options.target_dir) || has_line_break(options.username) ||
        has_line_break(options.password)) {
        refuse("outgoing.target_dir, ftp.username and ftp.password must each be one line");
    }
    if (!options.password.empty() && !options.password_file.empty()) {
        refuse("ftp.password and ftp.password_file cannot both be set");
    }
    const bool uses_certificates = !options.ca_file.empty() || !options.client_cert.empty();
    if (options.tls == Tls::none && uses_certificates) {
        refuse("ftp.ca_file and ftp.client_cert need ftp.tls explicit or implicit");
    }
    if (!options.client_key.empty() && options.client_cert.empty()) {
        refuse("ftp.client_key needs ftp.client_cert");
    }
    if (options.timeout.count() == 0 || options.connect_timeout.count() == 0) {
        refuse("ftp.timeout and ftp.connect_timeout must be longer than nothing");
    }
}

}  // namespace

FtpOptions::FtpOptions(const ModuleSettings& settings)
    : host(settings.target_host),
      target_dir(settings.target_dir),
      temp_dir(settings.temp_dir),
      limited_bandwidth(settings.bandwidth_limit != 0),
      mirrors(settings.mode == TransferMode::mirror),
      publish(settings.publish) {
    const Options options(settings.options);
    tls = tls_of(options.text("tls"));
    port = port_of(options, tls);
    username = options.text("username");
    password = options.optional_text("password").value_or("");
    password_file = options.optional_text("password_file").value_or("");
    ca_file = options.optional_text("ca_file").value_or("");
    verify_peer = options.flag("verify_peer");
    client_cert = options.optional_text("client_cert").value_or("");
    client_key = options.optional_text("client_key").value_or("");
    passive = options.flag("passive");
    connect_timeout = options.duration("connect_timeout");
    timeout = options.duration("timeout");
    keep_alive = options.flag("keep_alive");
    check(*this);
}

std::string password_of(const FtpOptions& options) {
    if (options.password_file.empty()) {
        return options.password;
    }
    std::ifstream file(options.password_file, std::ios::binary);
    std::string line;
    if (!std::getline(file, line)) {
        refuse("no password can be read from ftp.password_file " + options.password_file);
    }
    if (!line.empty() && line.back() == '\r') {
        line.pop_back();
    }
    if (has_line_break(line)) {
        refuse("the password in ftp.password_file " + options.password_file + " holds a line break");
    }
    return line;
}

}  // namespace mistamover::ftp
