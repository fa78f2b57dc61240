// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/reload_difference.hpp"

#include <doctest/doctest.h>

#include "supervisor/child.hpp"

namespace mistamover::test {

using namespace supervisor;

namespace {

config::Stream stream(const std::string& name, const std::string& target = "/t",
                      const std::string& plugin = "local") {
    config::Stream made;
    made.name = name;
    made.file = "/etc/streams.d/" + name + ".yaml";
    made.settings["outgoing"]["plugin"] = {plugin};
    made.settings["outgoing"]["target_dir"] = {target};
    return made;
}

config::Configuration configuration(std::vector<config::Stream> streams) {
    config::Configuration made;
    made.streams = std::move(streams);
    return made;
}

std::vector<std::string> names(const std::vector<config::Stream>& streams) {
    std::vector<std::string> found;
    found.reserve(streams.size());
    for (const config::Stream& each : streams) {
        found.push_back(each.name);
    }
    return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("new, changed and removed streams are told apart, and others are left alone") {
    const config::Stream same = stream("same");
    const config::Stream changed = stream("changed");
    const config::Stream gone = stream("gone");
    const auto difference = reload_difference(
        {{"same", {same}}, {"changed", {changed}}, {"gone", {gone}}},
        configuration({stream("changed", "/other"), stream("new"), stream("same")}), transfer_process.wanted);
    CHECK(names(difference.added) == Names{"new"});
    REQUIRE(names(difference.changed) == Names{"changed"});
    CHECK(difference.changed.front().settings.at("outgoing").at("target_dir") == Names{"/other"});
    CHECK(difference.removed == Names{"gone"});
}

TEST_CASE("a stream whose file does not check out keeps its old settings") {
    config::Stream broken = stream("renamed");
    broken.file = "/etc/streams.d/broken.yaml";
    config::Configuration fresh = configuration({});
    fresh.problems.push_back({broken.file, 1, 1, "broken", "wrong"});
    const auto difference = reload_difference({{"renamed", {broken}}}, fresh, transfer_process.wanted);
    CHECK(difference.removed.empty());
    CHECK(difference.changed.empty());
    CHECK(difference.added.empty());
}

TEST_CASE("a stream whose file has got another name is left alone, but known by that file from then on") {
    const config::Stream before = stream("s");
    config::Stream after = before;
    after.file = "/etc/streams.d/other.yaml";
    const auto difference =
        reload_difference({{"s", {before}}}, configuration({after}), transfer_process.wanted);
    CHECK(difference.added.empty());
    CHECK(difference.changed.empty());
    CHECK(difference.removed.empty());
    REQUIRE(names(difference.moved) == Names{"s"});
    CHECK(difference.moved.front().file == after.file);
    CHECK(reload_difference({{"s", {after}}}, configuration({after}), transfer_process.wanted).moved.empty());
}

TEST_CASE("a stream that is on its way out is not removed twice, and comes back where it is wanted again") {
    const config::Stream leaving = stream("leaving");
    const std::map<std::string, StreamInForce> streams{{"leaving", {leaving, true}}};
    CHECK(reload_difference(streams, configuration({}), transfer_process.wanted).removed.empty());
    CHECK(names(reload_difference(streams, configuration({stream("leaving")}), transfer_process.wanted)
                    .changed) == Names{"leaving"});
}

TEST_CASE("a stream that only receives has no process") {
    CHECK_FALSE(transfer_process.wanted(stream("in", "", "none")));
    const config::Stream sending = stream("s");
    const auto difference = reload_difference(
        {{"s", {sending}}}, configuration({stream("in", "", "none"), stream("s", "", "none")}),
        transfer_process.wanted);
    CHECK(difference.added.empty());
    CHECK(difference.removed == Names{"s"});
}

TEST_CASE("in force are the new streams, and the old ones whose files do not check out") {
    config::Stream renamed = stream("renamed");
    renamed.file = "/etc/streams.d/broken.yaml";
    config::Configuration fresh = configuration({stream("kept", "/other"), stream("new")});
    fresh.problems.push_back({renamed.file, 1, 1, "broken", "wrong"});
    const auto streams = streams_in_force({stream("kept"), stream("gone"), renamed}, fresh);
    REQUIRE(names(streams) == Names{"kept", "new", "renamed"});
    CHECK(streams.front().settings.at("outgoing").at("target_dir") == Names{"/other"});
}

}  // namespace mistamover::test
