// SPDX-License-Identifier: BSD-3-Clause
#include "servers/pure_ftpd.hpp"

#include <unistd.h>

#include "servers/unpacked.hpp"

namespace mistamover::test {
namespace {

using std::filesystem::perms;

constexpr uid_t nobody = 65'534;

std::string own_ids() {
    const bool is_root = ::geteuid() == 0;
    return std::to_string(is_root ? nobody : ::geteuid()) + ':' +
           std::to_string(is_root ? nobody : ::getegid());
}

std::vector<std::string> pure_ftpd_command(std::uint16_t port, const std::filesystem::path& directory) {
    std::vector<std::string> command{unpacked("usr/sbin/pure-ftpd").string()};
    if (::geteuid() != 0) {
        // It insists on setting the groups that the user has already.
        command = {"env", "LD_PRELOAD=" TEST_GROUPS_AS_THEY_ARE, command.front()};
    }
    const std::vector<std::string> more{"-S",
                                        "127.0.0.1," + std::to_string(port),
                                        "-p",
                                        std::to_string(port + 1) + ':' + std::to_string(port + passive_ports),
                                        "-l",
                                        "puredb:" + (directory / "users.pdb").string(),
                                        "-g",
                                        (directory / "pid").string(),
                                        "--noanonymous",
                                        "--dontresolve",
                                        "-u",
                                        "1",
                                        "-k",
                                        "100"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
}

}  // namespace

PureFtpd::PureFtpd(Tls tls, const std::vector<std::string>& arguments, const Certificate& certificate)
    : FtpServer(tls) {
    const std::uint16_t port = free_port();
    write_file(directory_ / "users",
               std::string("mover:") + hashed_password + ':' + own_ids() + "::/::::::::::::\n");
    run_tool({unpacked("usr/bin/pure-pw").string(), "mkdb", (directory_ / "users.pdb").string(), "-f",
              (directory_ / "users").string()},
             "pure-ftpd");
    std::vector<std::string> command = pure_ftpd_command(port, directory_.path());
    if (tls != Tls::none) {
        write_certificate(certificate, ca_file());
        command.insert(command.end(), {"--tls=3", "--certfile=" + ca_file().string()});
    }
    command.insert(command.end(), arguments.begin(), arguments.end());
    server_.emplace(command, "pure-ftpd", port, directory_ / "log");
    server_->start();
}

void PureFtpd::serve(const std::filesystem::path& directory) const {
    if (::geteuid() == 0) {
        std::filesystem::permissions(directory, perms::all);
        std::filesystem::permissions(directory.parent_path(), perms::others_exec,
                                     std::filesystem::perm_options::add);
    }
}

}  // namespace mistamover::test
