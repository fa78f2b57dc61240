// SPDX-License-Identifier: BSD-3-Clause
#include "servers/sshd.hpp"

#include <pwd.h>
#include <unistd.h>

namespace mistamover::test {
namespace {

std::string current_user() {
    const passwd* entry = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe): tests have one thread
    if (entry == nullptr) {
        throw std::runtime_error("the user that runs the tests has no name");
    }
    return entry->pw_name;
}

}  // namespace

Sshd::Sshd(const std::string& configuration) : user_(current_user()) {
    for (const char* name : {"host_key", "client_key", "stranger_key"}) {
        make_key(name);
    }
    const std::uint16_t port = free_port();
    write_file(directory_ / "authorized_keys", read_file(directory_ / "client_key.pub"));
    // By the other address a SlowProxy has it.
    write_file(known_hosts(), "[127.0.0.1]:" + std::to_string(port) + ",[127.0.0.2]:" + std::to_string(port) +
                                  ' ' + read_file(directory_ / "host_key.pub"));
    const std::string directory = directory_.path().string();
    // A home directory of its own: the user's shell then runs none of the user's start-up files, which would
    // cost time, and would be killed half-way.
    const std::string home = directory + "/home";
    std::filesystem::create_directory(home);
    write_file(directory_ / "sshd_config",
               configuration + "\nPort " + std::to_string(port) + "\nListenAddress 127.0.0.1\nHostKey " +
                   directory + "/host_key\nPidFile none\nUsePAM no\nAuthorizedKeysFile " + directory +
                   "/authorized_keys\nStrictModes no\nPasswordAuthentication no\n" +
                   "KbdInteractiveAuthentication no\nMaxStartups 100\nMaxSessions 100\nPrintMotd no\n" +
                   "Subsystem sftp internal-sftp\nSetEnv HOME=" + home + "\n");
    if (::geteuid() == 0) {
        std::filesystem::create_directories("/run/sshd");  // where root's sshd locks its unprivileged half in
    }
    server_.emplace(std::vector<std::string>{"sshd", "-D", "-e", "-f", directory + "/sshd_config"},
                    "openssh-server", port, directory_ / "log");
    server_->start();
}

void Sshd::change_host_key() {
    server_->kill();
    std::filesystem::remove(directory_ / "host_key");
    std::filesystem::remove(directory_ / "host_key.pub");
    make_key("host_key");
    server_->start();
}

void Sshd::make_key(const std::string& name) const {
    run_tool({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", (directory_ / name).string()},
             "openssh-client");
}

}  // namespace mistamover::test
