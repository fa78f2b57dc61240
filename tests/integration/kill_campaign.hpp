// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <random>
#include <string>

#include "program.hpp"

namespace mistamover::test {

/// SIGKILL at random moments, one at a time, while files appear in the directory of the site's stream "p": to
/// any process of its daemon, to a child of its transfer process, or to the server at the other end. 2,000
/// files and 200 kills where is_full_campaign().
class KillCampaign {
  public:
    struct Size {
        int files;
        int kills;
    };
    /// The server, where there is one that can be killed.
    struct Server {
        std::function<void()> kill;
        std::function<void()> start;
    };

    KillCampaign(Site& site, Size short_form, Server server = {});

    /// Every file must arrive whole, none be seen in part under its final name, and nothing be left over.
    void run();

  private:
    void write_files(int until);
    void wait_until_whole(const Daemon& daemon) const;
    void kill_something(const Daemon& daemon, int kill);
    void restart_server();
    void pause_up_to(std::chrono::microseconds longest);
    bool everything_has_arrived() const;

    Site& site_;
    Size size_;
    Server server_;
    unsigned seed_ = std::random_device{}();
    std::mt19937 random_{seed_};
    int written_ = 0;
};

}  // namespace mistamover::test
