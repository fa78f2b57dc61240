// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/sftp_options.hpp"

#include <algorithm>
#include <chrono>

#include <mistamover/transfer_module.hpp>

namespace mistamover::sftp {
namespace {

[[noreturn]] void refuse(const std::string& reason) {
    throw StatusError({StatusCode::configuration, StatusScope::stream, reason});
}

void check_target(const SftpOptions& options) {
    const std::string& host = options.target_host;
    if (host.empty() || host.starts_with('-') || host.find_first_of("/@ \t\n") != std::string::npos) {
        refuse("outgoing.target_host must be a host's name or address with the module sftp, not \"" + host +
               "\"");
    }
    if (options.target_dir.empty()) {
        refuse("outgoing.target_dir must name a directory of the server");
    }
}

void check_login(const SftpOptions& options) {
    if (!options.password.empty() && !options.password_file.empty()) {
        refuse("sftp.password and sftp.password_file cannot both be set");
    }
    if (options.password.find('\n') != std::string::npos) {
        refuse("sftp.password must be one line");
    }
    if (options.username.starts_with('-') || options.username.find_first_of(" \t\n") != std::string::npos) {
        refuse("sftp.username is not a user's name");
    }
    if (options.port && (*options.port < 1 || *options.port > 65535)) {
        refuse("sftp.port must lie between 1 and 65535");
    }
    if (!options.passphrase_file.empty() && options.ssh_key.empty()) {
        refuse("sftp.passphrase_file needs sftp.ssh_key");
    }
}

// ssh takes them in a line of its configuration, between quotes.
void check_words(const SftpOptions& options) {
    for (const std::string* path : {&options.ssh_key, &options.known_hosts, &options.ssh_config}) {
        if (path->find_first_of("\"\\\n") != std::string::npos) {
            refuse("ssh takes no path with a quote, a backslash or a newline: " + *path);
        }
    }
    if (options.ciphers.find_first_of(" \t\n\"") != std::string::npos) {
        refuse("sftp.ciphers is a list with commas and without spaces");
    }
}

}  // namespace

SftpOptions::SftpOptions(const ModuleSettings& settings)
    : target_host(settings.target_host),
      target_dir(settings.target_dir),
      temp_dir(settings.temp_dir),
      work_dir(settings.work_dir),
      limited_bandwidth(settings.bandwidth_limit != 0),
      mirror(settings.mode == TransferMode::mirror) {
    const Options options(settings.options);
    const auto text = [&options](const char* name) { return options.optional_text(name).value_or(""); };
    port = options.optional_integer("port");
    username = text("username");
    ssh_key = text("ssh_key");
    passphrase_file = text("passphrase_file");
    agent = options.flag("agent");
    password = text("password");
    password_file = text("password_file");
    known_hosts = text("known_hosts");
    accept_new_host = options.text("host_key") == "accept-new";
    ssh_config = text("ssh_config");
    ciphers = text("ciphers");
    compress = options.flag("compress");
    connect_timeout_s = std::max<std::int64_t>(
        std::chrono::ceil<std::chrono::seconds>(options.duration("connect_timeout")).count(), 1);
    fsync = options.flag("fsync");
    while (target_dir.size() > 1 && target_dir.ends_with('/')) {
        target_dir.pop_back();
    }
    check_target(*this);
    check_login(*this);
    check_words(*this);
}

}  // namespace mistamover::sftp
