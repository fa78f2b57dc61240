// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/background_loader.hpp"

#include <atomic>
#include <doctest/doctest.h>
#include <memory>

#include "loop_support.hpp"

namespace mistamover::test {
namespace {

using supervisor::BackgroundLoader;

// Loads that wait until they are let go; the file of each result is the number of its load.
struct Loads {
    process::EventLoop loop;
    std::atomic<int> begun = 0;
    std::atomic<int> allowed = 0;
    std::vector<std::string> results;
    BackgroundLoader loader{
        loop,
        [this] {
            const int number = ++begun;
            while (allowed < number) {
                std::this_thread::yield();
            }
            if (number == 4) {
                throw std::runtime_error("no memory");
            }
            config::Configuration loaded;
            loaded.file = std::to_string(number);
            return loaded;
        },
        [this](config::Configuration&& loaded) {
            results.push_back(loaded.file.empty() ? loaded.problems.at(0).text : loaded.file.string());
        },
        std::chrono::minutes{1}};
};

}  // namespace

TEST_CASE("the loop goes on while a configuration is loaded") {
    Loads loads;
    loads.loader.start();
    CHECK(loads.loader.busy());
    REQUIRE(run_until(loads.loop, [&] { return loads.begun == 1; }));
    CHECK(loads.results.empty());
    loads.allowed = 1;
    CHECK(run_until(loads.loop, [&] { return loads.results == std::vector<std::string>{"1"}; }));
    CHECK_FALSE(loads.loader.busy());
}

TEST_CASE("what is asked for meanwhile is loaded afterwards, and the earlier result is not used") {
    Loads loads;
    loads.loader.start();
    REQUIRE(run_until(loads.loop, [&] { return loads.begun == 1; }));
    loads.loader.start();
    loads.loader.start();
    loads.allowed = 3;
    REQUIRE(run_until(loads.loop, [&] { return !loads.results.empty(); }));
    CHECK(loads.results == std::vector<std::string>{"2"});
    CHECK_FALSE(loads.loader.busy());
}

TEST_CASE("a load that fails is a problem of the whole configuration") {
    Loads loads;
    loads.allowed = 4;
    for (int i = 0; i < 4; ++i) {
        loads.loader.start();
        REQUIRE(
            run_until(loads.loop, [&] { return loads.results.size() == static_cast<std::size_t>(i) + 1; }));
    }
    CHECK(loads.results.back() == "the configuration cannot be read: no memory");
}

TEST_CASE("a load in hand is waited for at the end") {
    Loads loads;
    loads.loader.start();
    loads.allowed = 1;
}

TEST_CASE("an end does not wait for a load that hangs, which lives on with what it uses") {
    struct Hanging {
        std::atomic<bool> may_go_on = false;
    };
    auto hanging = std::make_shared<Hanging>();
    const std::weak_ptr<Hanging> used = hanging;
    process::EventLoop loop;
    {
        BackgroundLoader loader(
            loop,
            [hanging] {
                while (!hanging->may_go_on) {
                    std::this_thread::yield();
                }
                return config::Configuration();
            },
            [](config::Configuration&&) {}, std::chrono::milliseconds{10});
        loader.start();
    }
    CHECK_FALSE(hanging->may_go_on);  // and here it is
    hanging->may_go_on = true;
    hanging.reset();
    CHECK(run_until(loop, [&] { return used.expired(); }));
}

}  // namespace mistamover::test
