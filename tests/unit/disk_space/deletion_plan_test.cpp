// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/deletion_plan.hpp"

#include <doctest/doctest.h>
#include <map>
#include <optional>
#include <set>

namespace mistamover::test {

using namespace disk_space;

namespace {

struct PlanSource final : UnitSource {
    std::optional<std::vector<const Unit*>> units(std::size_t stream, const TimeLeft& time_left) override {
        if (known.insert(stream).second && !time_left()) {
            return std::nullopt;
        }
        std::vector<const Unit*> found;
        for (const Unit& unit : all[stream]) {
            found.push_back(&unit);
        }
        return found;
    }
    std::optional<Gain> gain_of_directory(std::size_t /*stream*/, const Unit& unit,
                                          const TimeLeft& time_left) override {
        if (looked_through.insert(unit.name).second && !time_left()) {
            return std::nullopt;
        }
        return unit.name == "busy" ? Gain{} : Gain{50, 3};
    }
    std::map<std::size_t, std::vector<Unit>> all;
    std::set<std::size_t> known;
    std::set<std::string> looked_through;
};

Unit plan_unit(const std::string& name, std::int64_t ctime_ns, std::uint64_t bytes,
               UnitPlace place = UnitPlace::data) {
    Unit made;
    made.place = place;
    made.name = name;
    made.ctime_ns = ctime_ns;
    made.directory = bytes == 0;
    made.gain = {bytes, 1};
    return made;
}

const Space space{1'000, 10'000, 0, 0};

// `steps`: how many steps without time left it took to make the plan, where that is asked for; else it is
// made in one.
std::string plan_of(PlanSource& source, const std::vector<std::size_t>& order, std::uint64_t needed,
                    std::size_t most = 100, const Space& on = space, int* steps = nullptr) {
    DeletionPlanner planner(order, source, on, {needed, most},
                            [](std::size_t, const Unit&) { return false; });
    int taken = 1;
    while (!planner.go_on([&] { return steps == nullptr; })) {
        ++taken;
    }
    if (steps != nullptr) {
        *steps = taken;
    }
    CHECK((steps != nullptr || taken == 1));
    std::string names;
    for (const PlannedUnit& planned : planner.take_plan()) {
        names += std::to_string(planned.stream) + planned.unit.name + ' ';
    }
    return names;
}

}  // namespace

TEST_CASE("arrivals go first, then data and quarantine together, the youngest first") {
    PlanSource source;
    source.all[0] = {
        plan_unit("d1", 1, 10), plan_unit("d5", 5, 10), plan_unit("q3", 3, 10, UnitPlace::quarantine),
        plan_unit("a0", 0, 10, UnitPlace::arrivals), plan_unit("a2", 2, 10, UnitPlace::arrivals)};
    source.all[1] = {plan_unit("d9", 9, 10)};
    CHECK(plan_of(source, {1, 0}, 1'000) == "1d9 0a2 0a0 0d5 0q3 0d1 ");
}

TEST_CASE("no more is planned than is needed, nothing that frees nothing, nothing that is in use") {
    PlanSource source;
    source.all[0] = {plan_unit("a", 9, 10), plan_unit("busy", 8, 0), plan_unit("dir", 7, 0),
                     plan_unit("b", 6, 10)};
    source.all[0].push_back(plan_unit("link", 10, 1));
    source.all[0].back().gain = {0, 1};
    CHECK(plan_of(source, {0}, 10) == "0a ");
    CHECK(plan_of(source, {0}, 11) == "0a 0dir ");
    CHECK(plan_of(source, {0}, 1'000) == "0a 0dir 0b ");
    CHECK(plan_of(source, {0}, 1'000, 2) == "0a 0dir ");
    CHECK(plan_of(source, {0}, 0).empty());
    // Where inodes are short, they are what counts: each is worth 100 bytes here.
    CHECK(plan_of(source, {0}, 300, 100, {1'000, 10'000, 1, 100}) == "0link 0a 0dir ");
}

TEST_CASE("a plan that is made step by step is the same, and looks at no stream that it does not need") {
    PlanSource source;
    for (std::size_t stream = 0; stream < 3; ++stream) {
        source.all[stream] = {plan_unit("a", 1, 10), plan_unit("b", 2, 10)};
    }
    int steps = 0;
    CHECK(plan_of(source, {2, 0, 1}, 40, 100, space, &steps) == "2b 2a 0b 0a ");
    CHECK(steps > 4);  // each stream and each unit is one
    CHECK_FALSE(source.known.contains(1));
    source.known.clear();
    CHECK(plan_of(source, {2, 0, 1}, 0, 100, space, &steps).empty());
    CHECK(steps == 1);
    CHECK(source.known.empty());
}

TEST_CASE("a directory that is not looked through in one step comes in its turn all the same") {
    PlanSource source;
    source.all[0] = {plan_unit("a", 9, 10), plan_unit("dir", 8, 0), plan_unit("b", 7, 10)};
    int steps = 0;
    CHECK(plan_of(source, {0}, 1'000, 100, space, &steps) == "0a 0dir 0b ");
    CHECK(steps == 6);  // the stream, each unit, once more the directory, and the end
}

TEST_CASE("the lowest priority gives way first, and only what may") {
    std::vector<process::MonitorStream> streams(6);
    const std::vector<std::tuple<std::string, int, bool>> given{{"high", 101, true}, {"b", 100, true},
                                                                {"a", 100, true},    {"kept", 10, false},
                                                                {"low", 50, true},   {"zero", -1, true}};
    for (std::size_t i = 0; i < given.size(); ++i) {
        std::tie(streams[i].name, streams[i].priority, streams[i].deletion_enabled) = given[i];
    }
    CHECK(deletion_order(streams, 100) == std::vector<std::size_t>{5, 4, 2, 1});
}

}  // namespace mistamover::test
