// SPDX-License-Identifier: BSD-3-Clause
#include "servers/rsyncd.hpp"

#include <unistd.h>

namespace mistamover::test {

Rsyncd::Rsyncd(const std::filesystem::path& served, const std::string& password, const std::string& more) {
    const std::string directory = directory_.path().string();
    // Without chroot, links would be munged unless told otherwise, and root's daemon would become nobody.
    std::string configuration = "use chroot = no\nsocket options = TCP_NODELAY\nlog file = " + directory +
                                "/rsyncd.log\nlock file = " + directory +
                                "/lock\n[data]\npath = " + served.string() +
                                "\nread only = no\nmunge symlinks = no\n";
    if (::geteuid() == 0) {
        configuration += "uid = 0\ngid = 0\n";
    }
    if (!password.empty()) {
        write_file(directory_ / "secrets", "mover:" + password + "\n");
        std::filesystem::permissions(directory_ / "secrets", std::filesystem::perms::owner_read);
        configuration += "auth users = mover\nsecrets file = " + directory + "/secrets\n";
    }
    write_file(directory_ / "rsyncd.conf", configuration + more + '\n');
    const std::uint16_t port = free_port();
    server_.emplace(
        std::vector<std::string>{"rsync", "--daemon", "--no-detach", "--address=127.0.0.1",
                                 "--port=" + std::to_string(port), "--config=" + directory + "/rsyncd.conf"},
        "rsync", port, directory_ / "log");
    server_->start();
}

}  // namespace mistamover::test
