// SPDX-License-Identifier: BSD-3-Clause
#include "servers/proftpd.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "servers/unpacked.hpp"

namespace mistamover::test {
namespace {

using std::filesystem::perms;

// ProFTPD refuses files with passwords that others may read.
void write_secret(const std::filesystem::path& path, const std::string& text) {
    write_file(path, text);
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
}

// NOLINTBEGIN(concurrency-mt-unsafe): tests have one thread
std::string user_and_group() {
    const passwd* user = ::getpwuid(::geteuid());
    const group* group = ::getgrgid(::getegid());
    return "\nUser " + (user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid())) +
           "\nGroup " + (group != nullptr ? std::string(group->gr_name) : std::to_string(::getegid()));
}
// NOLINTEND(concurrency-mt-unsafe)

/// Writes the files of a server in `directory` but for what its protocol adds; returns the text.
std::string proftpd_configuration(const std::filesystem::path& directory, std::uint16_t port) {
    const std::string ids = std::to_string(::geteuid()) + ':' + std::to_string(::getegid());
    write_secret(directory / "passwd", std::string("mover:") + hashed_password + ':' + ids + "::/:/bin/sh\n");
    write_secret(directory / "group", "mover:x:" + std::to_string(::getegid()) + ":\n");
    const std::string path = directory.string() + '/';
    return "ModulePath " + unpacked("usr/lib/proftpd").string() +
           "\nServerType standalone\nServerName test\nDefaultAddress 127.0.0.1\nSocketBindTight on\nPort " +
           std::to_string(port) + "\nPassivePorts " + std::to_string(port + 1) + ' ' +
           std::to_string(port + passive_ports) + user_and_group() +
           "\nUseReverseDNS off\nWtmpLog off\nTransferLog none\nSystemLog none\nExtendedLog " + path +
           "commands.log ALL\nPidFile " + path + "pid\nScoreboardFile " + path +
           "scoreboard\nAuthOrder mod_auth_file.c\nAuthUserFile " + path + "passwd\nAuthGroupFile " + path +
           "group\nRequireValidShell off\nRootLogin on\nUseFtpUsers off\nAllowOverwrite on\n"
           "AllowStoreRestart on\nUmask 022\nDelayEngine off\n";
}

std::vector<std::string> proftpd_command(const std::filesystem::path& configuration) {
    return {unpacked("usr/sbin/proftpd").string(), "--nodaemon", "-c", configuration.string()};
}

std::string proftpd_tls(FtpServer::Tls tls, const std::filesystem::path& certificate) {
    return "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog none\nTLSProtocol TLSv1.2 TLSv1.3\n"
           "TLSRSACertificateFile " +
           certificate.string() + "\nTLSRSACertificateKeyFile " + certificate.string() + '\n' +
           (tls == FtpServer::Tls::from_start ? "TLSOptions UseImplicitSSL\n" : "");
}

void run_quota_tool(const std::vector<std::string>& arguments) {
    std::vector<std::string> command{"perl", unpacked("usr/sbin/ftpquota").string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    run_tool(command, "proftpd-core");
}

// A public key as RFC 4716 has it, the only form that is taken for authorized keys.
std::string in_ssh2_form(const std::string& public_key) {
    const std::size_t begin = public_key.find(' ') + 1;
    return "---- BEGIN SSH2 PUBLIC KEY ----\n" +
           public_key.substr(begin, public_key.find(' ', begin) - begin) +
           "\n---- END SSH2 PUBLIC KEY ----\n";
}

}  // namespace

ProftpdQuota::ProftpdQuota(std::uint64_t bytes) {
    for (const char* type : {"limit", "tally"}) {
        run_quota_tool({"--create-table", "--type", type, "--table-path", table(type)});
    }
    run_quota_tool({"--add-record", "--type", "limit", "--table-path", table("limit"), "--name", "mover",
                    "--quota-type", "user", "--limit-type", "hard", "--bytes-upload", std::to_string(bytes)});
}

void ProftpdQuota::change(std::uint64_t bytes) const {
    run_quota_tool({"--update-record", "--type", "limit", "--table-path", table("limit"), "--name", "mover",
                    "--quota-type", "user", "--limit-type", "hard", "--bytes-upload", std::to_string(bytes)});
}

std::string ProftpdQuota::configuration() const {
    return "LoadModule mod_quotatab.c\nLoadModule mod_quotatab_file.c\nQuotaEngine on\nQuotaLog none\n"
           "QuotaLimitTable file:" +
           table("limit") + "\nQuotaTallyTable file:" + table("tally") + '\n';
}

Proftpd::Proftpd(Tls tls, const std::string& configuration, const Certificate& certificate) : FtpServer(tls) {
    const std::uint16_t port = free_port();
    std::string text = proftpd_configuration(directory_.path(), port) + "LoadModule mod_digest.c\n";
    if (tls != Tls::none) {
        write_certificate(certificate, ca_file());
        text += proftpd_tls(tls, ca_file());
    }
    write_file(directory_ / "proftpd.conf", text + configuration);
    server_.emplace(proftpd_command(directory_ / "proftpd.conf"), "proftpd-core", port, directory_ / "log");
    server_->start();
}

ProftpdSftp::ProftpdSftp(const std::string& configuration) {
    const std::uint16_t port = free_port();
    const std::string directory = directory_.path().string();
    for (const char* name : {"/host_key", "/client_key"}) {
        run_tool({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory + name}, "openssh-client");
    }
    // By the other address a SlowProxy has it.
    write_file(known_hosts(), "[127.0.0.1]:" + std::to_string(port) + ",[127.0.0.2]:" + std::to_string(port) +
                                  ' ' + read_file(directory_ / "host_key.pub"));
    write_file(directory_ / "authorized_keys", in_ssh2_form(read_file(directory_ / "client_key.pub")));
    write_file(directory_ / "proftpd.conf",
               proftpd_configuration(directory_.path(), port) +
                   "LoadModule mod_sftp.c\nSFTPEngine on\nSFTPLog none\nSFTPHostKey " + directory +
                   "/host_key\nSFTPAuthorizedUserKeys file:" + directory + "/authorized_keys\n" +
                   "SFTPKeyBlacklist none\nSFTPAuthMethods publickey password\n" + configuration);
    server_.emplace(proftpd_command(directory_ / "proftpd.conf"), "proftpd-mod-crypto", port,
                    directory_ / "log");
    server_->start();
}

}  // namespace mistamover::test
