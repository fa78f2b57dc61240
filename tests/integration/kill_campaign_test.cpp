// SPDX-License-Identifier: BSD-3-Clause
#include "kill_campaign.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

TEST_SUITE_BEGIN("kill_campaign");

TEST_CASE("SIGKILL of any process at random moments loses nothing and leaves nothing partial") {
    Site site("/dev/shm");  // another file system, so that files are copied, proved and deleted
    site.add_stream("p");
    KillCampaign(site, {200, 12}).run();
}

TEST_SUITE_END();

}  // namespace mistamover::test
