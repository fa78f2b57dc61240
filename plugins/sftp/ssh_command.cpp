// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/ssh_command.hpp"

#include <unistd.h>

namespace mistamover::sftp {
namespace {

// A path in a line of ssh's configuration, where '%' starts something else.
std::string quoted(const std::string& path) {
    std::string text = "\"";
    for (const char byte : path) {
        text += byte;
        if (byte == '%') {
            text += '%';
        }
    }
    return text + '"';
}

const char* yes_or_no(bool value) {
    return value ? "yes" : "no";
}

void add_login(const SftpOptions& options, std::vector<std::string>& arguments) {
    const auto set = [&arguments](const std::string& option) { arguments.push_back("-o" + option); };
    const bool asks = options.has_password() || !options.passphrase_file.empty();
    set(std::string("BatchMode=") + yes_or_no(!asks));
    set("NumberOfPasswordPrompts=1");
    set(std::string("PasswordAuthentication=") + yes_or_no(options.has_password()));
    set(std::string("KbdInteractiveAuthentication=") + yes_or_no(options.has_password()));
    if (!options.ssh_key.empty()) {
        set("IdentityFile=" + quoted(options.ssh_key));
        set("IdentitiesOnly=yes");
    }
    if (!options.agent) {
        set("IdentityAgent=none");
    }
    if (!options.username.empty()) {
        set("User=" + options.username);
    }
}

void add_host_key(const SftpOptions& options, std::vector<std::string>& arguments) {
    const auto set = [&arguments](const std::string& option) { arguments.push_back("-o" + option); };
    set(std::string("StrictHostKeyChecking=") + (options.accept_new_host ? "accept-new" : "yes"));
    set("UpdateHostKeys=no");
    if (!options.known_hosts.empty()) {
        set("UserKnownHostsFile=" + quoted(options.known_hosts));
        set("GlobalKnownHostsFile=/dev/null");
    }
}

}  // namespace

std::vector<std::string> ssh_arguments(const SftpOptions& options) {
    std::vector<std::string> arguments{"ssh", "-T"};
    const auto set = [&arguments](const std::string& option) { arguments.push_back("-o" + option); };
    if (!options.ssh_config.empty()) {
        arguments.insert(arguments.end(), {"-F", options.ssh_config});
    }
    if (options.port) {
        set("Port=" + std::to_string(*options.port));
    }
    add_login(options, arguments);
    add_host_key(options, arguments);
    // Each session has a connection of its own: a shared one would end with the session that made it.
    set("ControlMaster=no");
    set("ControlPath=none");
    set("ForwardAgent=no");
    set("ForwardX11=no");
    set("ClearAllForwardings=yes");
    set("PermitLocalCommand=no");
    set("RequestTTY=no");
    // Its messages tell one failure from another.
    set("LogLevel=INFO");
    set("ConnectionAttempts=1");
    set("ConnectTimeout=" + std::to_string(options.connect_timeout_s));
    // They keep an idle connection in use. A server that computes a checksum may answer none of them until it
    // is done, so they never end one: whether the server lives the pipeline judges, by what is asked of it.
    set("ServerAliveInterval=15");
    set("ServerAliveCountMax=2147483647");
    set(std::string("Compression=") + yes_or_no(options.compress));
    set("Ciphers=" + (options.ciphers.empty() ? std::string("^aes128-gcm@openssh.com,aes256-gcm@openssh.com")
                                              : options.ciphers));
    arguments.insert(arguments.end(), {"-s", "--", options.target_host, "sftp"});
    return arguments;
}

std::vector<std::string> ssh_environment(const SftpOptions& options, const std::string& password_file) {
    std::vector<std::string> environment;
    if (password_file.empty() && options.passphrase_file.empty()) {
        return environment;
    }
    environment.push_back("SSH_ASKPASS=" + options.askpass);
    environment.emplace_back("SSH_ASKPASS_REQUIRE=force");
    environment.push_back(std::string(password_variable) + '=' + password_file);
    environment.push_back(std::string(starter_variable) + '=' + std::to_string(::getpid()));
    environment.push_back(std::string(passphrase_variable) + '=' + options.passphrase_file);
    return environment;
}

}  // namespace mistamover::sftp
