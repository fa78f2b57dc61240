// SPDX-License-Identifier: BSD-3-Clause
#include <cstdlib>
#include <doctest/doctest.h>
#include <random>
#include <thread>

#include "program.hpp"
#include "rsync_ways.hpp"

namespace mistamover::test {
namespace {

struct Size {
    int files;
    int kills;
};

// The whole campaign with MISTAMOVER_CAMPAIGN=full in the environment, a short form otherwise.
Size campaign_size() {
    const char* wanted = std::getenv("MISTAMOVER_CAMPAIGN");
    return wanted != nullptr && std::string(wanted) == "full" ? Size{2000, 200} : Size{120, 6};
}

std::string content_of(int number) {
    return std::string(static_cast<std::size_t>(number % 977) * 64 + 1, static_cast<char>('a' + number % 26));
}

std::string name_of(int number) {
    return "file" + std::to_string(number);
}

class Campaign {
  public:
    Campaign(Way& way, Site& site) : way_(way), site_(site) {
        INFO("seed " << seed_);
        way.add_stream(site);
        Daemon daemon(site);
        REQUIRE_MESSAGE(whole_again(daemon), daemon.description());
        for (int kill = 0; kill < size_.kills; ++kill) {
            for (const int until = size_.files * (kill + 1) / size_.kills; written_ < until; ++written_) {
                write_file(site.source() / name_of(written_), content_of(written_));
            }
            // A random moment: nothing is waited for here.
            std::this_thread::sleep_for(std::chrono::microseconds{random_() % 150'000});
            kill_something(daemon, kill);
            REQUIRE_MESSAGE(whole_again(daemon), daemon.description());
        }
        CHECK_MESSAGE(eventually([&] { return everything_has_arrived(); }, std::chrono::seconds{180}),
                      site.log("dtc_p") << site.log("rsync_p"));
        CHECK(daemon.stop());
        CHECK(std::filesystem::is_empty(site.source()));
        for (const auto& entry : std::filesystem::directory_iterator(site.target())) {
            CHECK_MESSAGE(entry.path().filename().string().starts_with("file"), entry.path().string());
        }
    }

  private:
    static bool whole_again(const Daemon& daemon) {
        return eventually([&] { return daemon.whole(); });
    }

    // The server and all its connections, a process of the daemon, or an rsync or ssh of the transfer
    // process.
    void kill_something(const Daemon& daemon, int kill) {
        const auto kind = random_() % 3;
        if (kind == 0) {
            way_.kill_server();
            std::this_thread::sleep_for(std::chrono::microseconds{random_() % 50'000});
            way_.start_server();
            return;
        }
        std::vector<pid_t> victims = kind == 1 ? descendants_of(daemon.process("mm:p")) : daemon.processes();
        if (victims.empty()) {
            victims = daemon.processes();
        }
        REQUIRE(eventually([&] { return !victims.empty() || !(victims = daemon.processes()).empty(); }));
        const pid_t victim = victims[random_() % victims.size()];
        INFO("kill " << kill << ": " << process_name(victim) << ' ' << victim);
        Daemon::kill(victim);
    }

    // A partial file would be seen here under its final name while the rest is on its way.
    bool everything_has_arrived() {
        for (int number = 0; number < written_; ++number) {
            const std::filesystem::path target = site_.target() / name_of(number);
            if (!std::filesystem::exists(target)) {
                return false;
            }
            REQUIRE(read_file(target) == content_of(number));
        }
        return std::filesystem::is_empty(site_.source()) ||
               (std::distance(std::filesystem::directory_iterator(site_.source()), {}) == 1 &&
                std::filesystem::exists(site_.source() / ".mistamover"));
    }

    Way& way_;
    Site& site_;
    const Size size_ = campaign_size();
    const unsigned seed_ = std::random_device{}();
    std::mt19937 random_{seed_};
    int written_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("rsync_kill_campaign");

TEST_CASE("SIGKILL of anything at random moments of a run over ssh loses nothing") {
    Site site;
    SshWay way;
    const Campaign campaign(way, site);
}

TEST_CASE("SIGKILL of anything at random moments of a run to a daemon loses nothing") {
    Site site;
    DaemonWay way(site);
    const Campaign campaign(way, site);
}

TEST_SUITE_END();

}  // namespace mistamover::test
