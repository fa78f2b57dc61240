// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_tree.hpp"

#include <doctest/doctest.h>

#include "fake_session.hpp"

namespace mistamover::stream {
namespace {

using TreePaths = std::vector<std::string>;

struct TreeFixture {
    test::FakeSession session;
    TreeFixture() {
        for (const char* directory : {"d", "d/in", "e"}) {
            session.target[directory] = {0, 0, 1, 0, EntryKind::directory};
        }
        for (const char* file : {"d/a", "d/in/b", "e/c", "f"}) {
            session.target[file] = {1, 0, 1, 0, EntryKind::file};
        }
    }
    TreePaths listed(const std::string& path, const std::string& unwanted = "") {
        std::vector<TargetEntry> entries;
        const auto wanted = [&](const std::string& found) { return found != unwanted; };
        CHECK(list_tree(session, path, wanted, entries).ok());
        TreePaths paths;
        for (const TargetEntry& entry : entries) {
            paths.push_back(entry.path);
        }
        return paths;
    }
};

}  // namespace

TEST_CASE("a tree is listed with directories before what is in them, and without what is not wanted") {
    TreeFixture fixture;
    CHECK(fixture.listed("") == TreePaths{"d", "d/a", "d/in", "d/in/b", "e", "e/c", "f"});
    CHECK(fixture.listed("d") == TreePaths{"d/a", "d/in", "d/in/b"});
    CHECK(fixture.listed("", "d") == TreePaths{"e", "e/c", "f"});
}

TEST_CASE("names that a server makes up lead nowhere else") {
    TreeFixture fixture;
    fixture.session.target = {
        {"..", {0, 0, 1, 0, EntryKind::directory}}, {".", {0, 0, 1, 0, EntryKind::directory}}, {"fine", {}}};
    CHECK(fixture.listed("") == TreePaths{"fine"});
}

TEST_CASE("a tree is removed from its leaves up, and one that is not there is removed already") {
    TreeFixture fixture;
    CHECK(remove_tree(fixture.session, "d").ok());
    CHECK(fixture.session.calls == TreePaths{"remove d/in/b", "remove d/in", "remove d/a", "remove d"});
    CHECK(fixture.listed("") == TreePaths{"e", "e/c", "f"});
    CHECK(remove_tree(fixture.session, "d").ok());
}

TEST_CASE("what is spared stays, and so does the directory around it") {
    TreeFixture fixture;
    CHECK(remove_tree(fixture.session, "d", [](const std::string& path) { return path == "d/a"; }).ok());
    CHECK(fixture.session.calls == TreePaths{"remove d/in/b", "remove d/in"});
    CHECK(fixture.listed("") == TreePaths{"d", "d/a", "e", "e/c", "f"});
}

TEST_CASE("the first failure of a removal is told, and the others are removed") {
    TreeFixture fixture;
    fixture.session.failures["f"] = {StatusCode::permission, StatusScope::item, "denied"};
    CHECK(remove_all(fixture.session, {"f", "e/c"}).code() == StatusCode::permission);
    CHECK_FALSE(fixture.session.target.contains("e/c"));
}

}  // namespace mistamover::stream
