// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "kill_campaign.hpp"
#include "sftp_site.hpp"

namespace mistamover::test {

TEST_SUITE_BEGIN("sftp_kill_campaign");

TEST_CASE("SIGKILL of server or client at random moments of a run over SFTP loses nothing") {
    Site site;
    Sshd sshd;
    add_sftp_stream(site, sshd, "retry_delay: 20ms");
    KillCampaign(site, {120, 6}, {[&] { sshd.kill(); }, [&] { sshd.start(); }}).run();
}

TEST_SUITE_END();

}  // namespace mistamover::test
