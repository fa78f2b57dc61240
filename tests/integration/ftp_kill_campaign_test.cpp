// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "ftp_site.hpp"
#include "kill_campaign.hpp"
#include "servers/proftpd.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

void run_ftp_campaign(FtpServer& server) {
    Site site;
    add_ftp_stream(site, server, {.outgoing = "retry_delay: 20ms"});
    KillCampaign(site, {120, 6}, {[&] { server.kill(); }, [&] { server.start(); }}).run();
}

}  // namespace

TEST_SUITE_BEGIN("ftp_kill_campaign");

TEST_CASE("SIGKILL of server or client at random moments of a run over FTP loses nothing") {
    Vsftpd server;
    run_ftp_campaign(server);
}

TEST_CASE("SIGKILL of server or client at random moments of a run over FTP with TLS loses nothing") {
    Proftpd server(FtpServer::Tls::on_request);
    run_ftp_campaign(server);
}

TEST_SUITE_END();

}  // namespace mistamover::test
