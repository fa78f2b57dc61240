// SPDX-License-Identifier: BSD-3-Clause
#include "kill_campaign.hpp"

#include <doctest/doctest.h>
#include <thread>
#include <utility>

#include "campaign.hpp"
#include "servers/server_process.hpp"

namespace mistamover::test {
namespace {

using namespace std::chrono_literals;

std::string file_content(int number) {
    return std::string(static_cast<std::size_t>(number % 977) * 64 + 1, static_cast<char>('a' + number % 26));
}

std::string file_name(int number) {
    return "file" + std::to_string(number);
}

}  // namespace

KillCampaign::KillCampaign(Site& site, Size short_form, Server server)
    : site_(site), size_(short_form), server_(std::move(server)) {
    if (is_full_campaign()) {
        size_ = {2000, 200};
    }
}

void KillCampaign::run() {
    INFO("seed " << seed_);
    Daemon daemon(site_);
    wait_until_whole(daemon);
    for (int kill = 0; kill < size_.kills; ++kill) {
        write_files(size_.files * (kill + 1) / size_.kills);
        // A random moment: nothing is waited for here. What goes to a server takes longer.
        pause_up_to(server_.kill ? 150ms : 30ms);
        kill_something(daemon, kill);
        // The promise is about one death at a time.
        wait_until_whole(daemon);
    }
    CHECK_MESSAGE(eventually([&] { return everything_has_arrived(); }, 180s), daemon.description()
                                                                                  << site_.log("dtc_p"));
    CHECK(daemon.stop());
    CHECK(std::filesystem::is_empty(site_.source()));
    for (const auto& entry : std::filesystem::directory_iterator(site_.target())) {
        CHECK_MESSAGE(entry.path().filename().string().starts_with("file"), entry.path().string());
    }
}

void KillCampaign::write_files(int until) {
    for (; written_ < until; ++written_) {
        write_file(site_.source() / file_name(written_), file_content(written_));
    }
}

void KillCampaign::wait_until_whole(const Daemon& daemon) const {
    REQUIRE_MESSAGE(eventually([&] { return daemon.whole(); }), daemon.description());
}

void KillCampaign::pause_up_to(std::chrono::microseconds longest) {
    std::this_thread::sleep_for(longest * static_cast<int>(random_() % 1000) / 1000);
}

void KillCampaign::kill_something(const Daemon& daemon, int kill) {
    const auto kind = server_.kill ? random_() % 3 : 2;
    if (kind == 0) {
        restart_server();
        return;
    }
    std::vector<pid_t> victims = kind == 1 ? descendants_of(daemon.process("mm:p")) : daemon.processes();
    REQUIRE(eventually([&] { return !victims.empty() || !(victims = daemon.processes()).empty(); }));
    const pid_t victim = victims[random_() % victims.size()];
    INFO("kill " << kill << ": " << process_name(victim) << ' ' << victim);
    Daemon::kill(victim);
}

void KillCampaign::restart_server() {
    server_.kill();
    pause_up_to(50ms);
    server_.start();
}

// A partial file would be seen here under its final name while the rest is on its way.
bool KillCampaign::everything_has_arrived() const {
    for (int number = 0; number < written_; ++number) {
        const std::filesystem::path target = site_.target() / file_name(number);
        if (!std::filesystem::exists(target)) {
            return false;
        }
        REQUIRE(read_file(target) == file_content(number));
    }
    return std::filesystem::is_empty(site_.source()) ||
           (std::distance(std::filesystem::directory_iterator(site_.source()), {}) == 1 &&
            std::filesystem::exists(site_.source() / ".mistamover"));
}

}  // namespace mistamover::test
