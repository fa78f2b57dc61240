// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "kill_campaign.hpp"
#include "rsync_ways.hpp"

namespace mistamover::test {
namespace {

void run_rsync_campaign(Way& way, Site& site) {
    way.add_stream(site);
    KillCampaign(site, {120, 6}, {[&] { way.kill_server(); }, [&] { way.start_server(); }}).run();
}

}  // namespace

TEST_SUITE_BEGIN("rsync_kill_campaign");

TEST_CASE("SIGKILL of anything at random moments of a run over ssh loses nothing") {
    Site site;
    SshWay way;
    run_rsync_campaign(way, site);
}

TEST_CASE("SIGKILL of anything at random moments of a run to a daemon loses nothing") {
    Site site;
    DaemonWay way(site);
    run_rsync_campaign(way, site);
}

TEST_SUITE_END();

}  // namespace mistamover::test
