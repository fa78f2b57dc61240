// SPDX-License-Identifier: BSD-3-Clause
#include <cstdlib>
#include <doctest/doctest.h>
#include <random>
#include <thread>

#include "program.hpp"

namespace mistamover::test {
namespace {

struct Size {
    int files;
    int kills;
};

// The whole campaign with MISTAMOVER_CAMPAIGN=full in the environment, a short form otherwise.
Size campaign_size() {
    const char* wanted = std::getenv("MISTAMOVER_CAMPAIGN");
    return wanted != nullptr && std::string(wanted) == "full" ? Size{2000, 200} : Size{200, 12};
}

std::string content_of(int number) {
    return std::string(static_cast<std::size_t>(number % 977) * 64 + 1, static_cast<char>('a' + number % 26));
}

}  // namespace

TEST_SUITE_BEGIN("kill_campaign");

TEST_CASE("SIGKILL of any process at random moments loses nothing and leaves nothing partial") {
    const Size size = campaign_size();
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    Site site("/dev/shm");  // another file system, so that files are copied, proved and deleted
    site.add_stream("p");
    Daemon daemon(site);
    const auto name_of = [](int number) { return "file" + std::to_string(number); };
    int written = 0;
    const auto whole_again = [&] { return eventually([&] { return daemon.whole(); }); };
    REQUIRE_MESSAGE(whole_again(), daemon.description());
    for (int kill = 0; kill < size.kills; ++kill) {
        for (const int until = size.files * (kill + 1) / size.kills; written < until; ++written) {
            write_file(site.source() / name_of(written), content_of(written));
        }
        std::vector<pid_t> all = daemon.processes();
        REQUIRE(eventually([&] { return !(all = daemon.processes()).empty(); }));
        // A random moment: nothing is waited for here.
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 30'000});
        const pid_t victim = all[random() % all.size()];
        const std::string name = process_name(victim);
        INFO("kill " << kill << ": " << name << ' ' << victim);
        // The promise is about one death at a time.
        Daemon::kill(victim);
        REQUIRE_MESSAGE(whole_again(), daemon.description());
    }
    // A partial file would be seen here under its final name while the rest is on its way.
    REQUIRE(eventually([&] {
        for (int number = 0; number < written; ++number) {
            const std::filesystem::path target = site.target() / name_of(number);
            if (!std::filesystem::exists(target)) {
                CHECK(std::filesystem::exists(site.source()));
                return false;
            }
            REQUIRE(read_file(target) == content_of(number));
        }
        return std::filesystem::is_empty(site.source()) ||
               (std::distance(std::filesystem::directory_iterator(site.source()), {}) == 1 &&
                std::filesystem::exists(site.source() / ".mistamover"));
    }));
    CHECK(daemon.stop());
    CHECK(std::filesystem::is_empty(site.source()));
    for (const auto& entry : std::filesystem::directory_iterator(site.target())) {
        CHECK_MESSAGE(entry.path().filename().string().starts_with("file"), entry.path().string());
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
