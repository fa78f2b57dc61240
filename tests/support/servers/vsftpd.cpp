// SPDX-License-Identifier: BSD-3-Clause
#include "servers/vsftpd.hpp"

#include <pwd.h>
#include <unistd.h>

namespace mistamover::test {
namespace {

std::string ftp_user() {
    const passwd* entry = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe): tests have one thread
    return entry != nullptr ? entry->pw_name : "nobody";
}

}  // namespace

Vsftpd::Vsftpd(Tls tls, const std::string& configuration, const Certificate& certificate) : FtpServer(tls) {
    const std::string directory = directory_.path().string();
    const std::uint16_t port = free_port();
    std::string text =
        "listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port=" + std::to_string(port) +
        "\nrun_as_launching_user=YES\nanonymous_enable=YES\nlocal_enable=NO\nno_anon_password=NO\n"
        "write_enable=YES\nanon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n"
        "anon_world_readable_only=NO\nanon_umask=022\nanon_root=/\nallow_writeable_chroot=YES\n"
        "seccomp_sandbox=NO\nxferlog_enable=YES\nlog_ftp_protocol=YES\nmax_clients=0\nmax_per_ip=0\n"
        "vsftpd_log_file=" +
        directory + "/commands.log\nsecure_chroot_dir=" + directory + "\nftp_username=" + ftp_user() +
        "\npasv_min_port=" + std::to_string(port + 1) +
        "\npasv_max_port=" + std::to_string(port + passive_ports) + "\n";
    if (tls != Tls::none) {
        write_certificate(certificate, directory_ / "server.pem");
        text +=
            "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n"
            "require_ssl_reuse=YES\nssl_tlsv1=YES\nssl_ciphers=HIGH\nrsa_cert_file=" +
            directory + "/server.pem\n";
        text += tls == Tls::from_start ? "implicit_ssl=YES\n" : "";
    }
    write_file(directory_ / "vsftpd.conf", text + configuration);
    server_.emplace(std::vector<std::string>{"vsftpd", directory + "/vsftpd.conf"}, "vsftpd", port,
                    directory_ / "log");
    server_->start();
}

}  // namespace mistamover::test
