// SPDX-License-Identifier: BSD-3-Clause
#include "process/work_wait.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace mistamover::test {

using namespace process;
using namespace std::chrono_literals;

TEST_CASE("who waits tries again until it is over, while the loop goes on, and tells once what for") {
    EventLoop loop;
    std::vector<std::string> told;
    WorkWait wait(loop, [&](const std::string& text) { told.push_back(text); });
    CHECK_FALSE(wait.is_under_way());
    int attempts = 0;
    int others = 0;
    const std::function<void()> attempt = [&] {
        ++attempts;
        CHECK(others > 0);
        if (attempts < 4) {
            wait.try_again(attempts < 3 ? "one" : "another", attempt);
            CHECK(wait.is_under_way());
        } else {
            wait.over();
            loop.stop();
        }
    };
    wait.try_again("one", attempt);
    loop.call_after(1ms, [&] { ++others; });
    loop.run();
    CHECK(attempts == 4);
    CHECK_FALSE(wait.is_under_way());
    CHECK(told == std::vector<std::string>{"waits for the end of one", "waits for the end of another"});
}

TEST_CASE("nothing is tried any more when nobody waits any longer") {
    EventLoop loop;
    std::optional<WorkWait> wait;
    wait.emplace(loop, [](const std::string&) {});
    bool tried = false;
    wait->try_again("work", [&] { tried = true; });
    wait.reset();
    loop.call_after(500ms, [&] { loop.stop(); });
    loop.run();
    CHECK_FALSE(tried);
}

}  // namespace mistamover::test
