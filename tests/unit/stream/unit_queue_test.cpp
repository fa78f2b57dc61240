// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_queue.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

using namespace std::chrono_literals;

Candidate candidate(const std::string& name, std::int64_t mtime_ns, std::uint64_t size = 1) {
    Candidate made;
    made.name = name;
    made.identity.mtime_ns = mtime_ns;
    made.identity.size = size;
    return made;
}

std::vector<std::string> names(const std::vector<Candidate>& taken) {
    std::vector<std::string> result;
    result.reserve(taken.size());
    for (const Candidate& one : taken) {
        result.push_back(one.name);
    }
    return result;
}

const UnitQueue::Clock::time_point moment{};

}  // namespace

TEST_CASE("a unit that is on its way from before is not taken again until it comes back") {
    UnitQueue queue;
    queue.add_in_flight(candidate("f", 1, 10));
    queue.add(candidate("f", 1, 10));
    CHECK(queue.in_flight() == 1);
    CHECK(queue.bytes() == 10);
    CHECK(queue.take(5, 50, moment).empty());
    queue.put_back("f");
    CHECK(names(queue.take(5, 50, moment)) == std::vector<std::string>{"f"});
    queue.done("f");
    CHECK(queue.bytes() == 0);
}

TEST_CASE("the oldest come first, as many as fit, but always one") {
    UnitQueue queue;
    queue.add(candidate("young", 3, 10));
    queue.add(candidate("old", 1, 100));
    queue.add(candidate("middle", 2, 10));
    CHECK(names(queue.take(5, 50, moment)) == std::vector<std::string>{"old"});
    CHECK(names(queue.take(1, 50, moment)) == std::vector<std::string>{"middle"});
    CHECK(names(queue.take(5, 50, moment)) == std::vector<std::string>{"young"});
    CHECK(queue.in_flight() == 3);
    CHECK(queue.bytes() == 120);
}

TEST_CASE("a unit that is being written is due again when it changes, one that failed is not") {
    UnitQueue queue;
    queue.add(candidate("written", 1));
    queue.add(candidate("failed", 2));
    queue.take(2, 100, moment);
    queue.wait("written", moment + 10s, true, "being written");
    queue.wait("failed", moment + 10s, false, "permission");
    CHECK(queue.due(moment) == 0);
    CHECK(queue.retries_pending());
    queue.add(candidate("written", 1));
    queue.add(candidate("failed", 2));
    CHECK(names(queue.take(5, 100, moment)) == std::vector<std::string>{"written"});
    CHECK(names(queue.take(5, 100, moment + 10s)) == std::vector<std::string>{"failed"});
}

TEST_CASE("a change that is told while the unit is in flight is not forgotten") {
    UnitQueue queue;
    queue.add(candidate("f", 1));
    queue.take(1, 100, moment);
    queue.add(candidate("f", 1));
    queue.wait("f", moment + 10s, true, "being written");
    CHECK(queue.due(moment) == 1);
}

TEST_CASE("what was delivered is forgotten, and what is left is told with its reason") {
    UnitQueue queue;
    queue.add(candidate("done", 1));
    queue.add(candidate("left", 2));
    queue.take(2, 100, moment);
    queue.done("done");
    queue.wait("left", moment + 1s, false, "refused");
    CHECK_FALSE(queue.knows("done"));
    REQUIRE(queue.left().size() == 1);
    CHECK(queue.left().front().reason == "refused");
    CHECK(queue.count_failure("left") == 1);
    CHECK(queue.count_failure("left") == 2);
}

TEST_CASE("a unit that others were let go before is taken alone, and last of all where one goes ahead") {
    using Taken = std::vector<std::string>;
    UnitQueue queue;
    for (const char* name : {"1 bad", "2 bad", "3", "4"}) {
        queue.add(candidate(name, name[0]));
    }
    const auto pass_over = [&](const char* name) {
        const std::uint32_t passes = queue.count_pass(name);
        queue.wait(name, moment, false, "lost");
        return passes;
    };
    for (const char* bad : {"1 bad", "2 bad"}) {
        CHECK(names(queue.take_one(moment)) == Taken{bad});
        CHECK_FALSE(queue.was_passed_over(bad));
        CHECK(pass_over(bad) == 1);
        CHECK(queue.was_passed_over(bad));
    }
    CHECK(names(queue.take_one(moment)) == Taken{"3"});
    queue.put_back("3");
    // However many others there are, it has its turn.
    CHECK(names(queue.take(5, 100, moment)) == Taken{"1 bad"});
    CHECK(pass_over("1 bad") == 2);
    CHECK(names(queue.take(5, 100, moment)) == Taken{"2 bad"});
    CHECK(names(queue.take(5, 100, moment)) == Taken{"1 bad"});
    CHECK(names(queue.take(5, 100, moment)) == Taken{"3", "4"});
    CHECK(queue.take_one(moment).empty());
    CHECK(pass_over("2 bad") == 2);
    CHECK(queue.hold("2 bad"));
    CHECK(queue.due(moment) == 0);
    CHECK_FALSE(queue.was_passed_over("2 bad"));
}

TEST_CASE("what others were let go before goes as any other once that is forgotten") {
    UnitQueue queue;
    for (const char* name : {"1", "2", "3"}) {
        queue.add(candidate(name, name[0]));
    }
    for (int i = 0; i < 2; ++i) {
        const std::string name = queue.take_one(moment).front().name;
        queue.count_pass(name);
        queue.wait(name, moment, false, "lost");
    }
    queue.wait(queue.take_one(moment).front().name, moment, false, "lost");
    CHECK(queue.due(moment) == 3);
    queue.forget_passes();
    CHECK(queue.take(5, 100, moment).size() == 3);
    // Whoever is let wait again was not only caught in an outage.
    queue.count_pass("1");
    queue.put_back("1");
    queue.put_back("3");
    queue.forget_passes();
    CHECK(queue.was_passed_over("1"));
    CHECK(queue.take_one(moment).front().name == "3");
}

TEST_CASE("a unit that is held is not known until it is released, and one in flight cannot be held") {
    UnitQueue queue;
    for (const char* name : {"ready", "waiting", "flying"}) {
        queue.add(candidate(name, name[0], 10));
    }
    CHECK(queue.take(1, 10, moment).front().name == "flying");
    CHECK(names(queue.take(1, 10, moment)) == std::vector<std::string>{"ready"});
    queue.put_back("ready");
    CHECK(names(queue.take(2, 20, moment)) == std::vector<std::string>{"ready", "waiting"});
    queue.put_back("ready");
    queue.wait("waiting", moment + 1h, false, "a retry");
    CHECK(queue.hold("ready"));
    CHECK(queue.hold("waiting"));
    CHECK(queue.hold("unknown"));
    CHECK_FALSE(queue.hold("flying"));
    CHECK(queue.size() == 1);
    CHECK(queue.bytes() == 10);
    CHECK_FALSE(queue.next_due().has_value());
    for (const char* name : {"ready", "waiting", "unknown"}) {
        queue.add(candidate(name, 1));
    }
    CHECK(queue.due(moment) == 0);
    queue.done("flying");
    CHECK(queue.size() == 0);
    CHECK(queue.release() == std::set<std::string>{"ready", "unknown", "waiting"});
    queue.add(candidate("ready", 1));
    CHECK(queue.due(moment) == 1);
    CHECK(queue.release().empty());
}

}  // namespace mistamover::stream
