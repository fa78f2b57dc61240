// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/unit_holds.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace mistamover::test {
namespace {

using UnitNames = supervisor::UnitHolds::Names;

constexpr pid_t asked_process = 7;
constexpr pid_t other_process = 8;

struct Holds {
    process::EventLoop loop;
    process::UniqueFd other;
    std::optional<process::Channel> channel;
    supervisor::UnitHolds holds;
    std::vector<UnitNames> told;  // to whoever wanted them held

    Holds() {
        auto [ours, theirs] = process::socket_pair();
        other = std::move(theirs);
        channel.emplace(
            loop, std::move(ours), [](process::Message&&) {}, [] {});
    }
    // By a request that the process gets, whose number is returned.
    std::uint64_t ask(const std::string& directory, const UnitNames& names) {
        holds.ask(directory, names, asked_process, *channel,
                  [this](UnitNames&& held) { told.push_back(std::move(held)); });
        std::string buffer(10'000, '\0');
        const ssize_t length = ::recv(other.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        REQUIRE(length > 0);
        const process::Message message =
            process::decode(std::string_view(buffer).substr(0, static_cast<std::size_t>(length)));
        const auto& wanted = std::get<process::HoldUnits>(message);
        CHECK(wanted.directory == directory);
        CHECK(wanted.names == names);
        return wanted.request;
    }
};

}  // namespace

TEST_CASE("where nobody works units are held at once, until they are released") {
    Holds it;
    it.holds.hold("/d", {"a", "b"}, [&](UnitNames&& held) { it.told.push_back(std::move(held)); });
    CHECK(it.told == std::vector<UnitNames>{{"a", "b"}});
    CHECK(it.holds.held_in("/d") == UnitNames{"a", "b"});
    CHECK(it.holds.held_in("/e").empty());
    it.holds.release("/d");
    CHECK(it.holds.held_in("/d").empty());
}

TEST_CASE("a process that works there says which are held") {
    Holds it;
    const std::uint64_t in_d = it.ask("/d", {"a", "b"});
    const std::uint64_t in_e = it.ask("/e", {"c"});
    CHECK(it.told.empty());
    CHECK(it.holds.held_in("/d").empty());
    it.holds.answered({in_e, {"c"}});
    it.holds.answered({in_d, {"b"}});
    CHECK(it.told == std::vector<UnitNames>{{"c"}, {"b"}});
    CHECK(it.holds.held_in("/d") == UnitNames{"b"});
    it.holds.answered({in_d, {"a"}});
    it.holds.ended(asked_process);
    CHECK(it.told.size() == 2);
    CHECK(it.holds.held_in("/d") == UnitNames{"b"});  // for the next process
}

TEST_CASE("of a process that ends before it answers nothing is held") {
    Holds it;
    const std::uint64_t request = it.ask("/d", {"a"});
    it.holds.ended(other_process);
    CHECK(it.told.empty());
    it.holds.ended(asked_process);
    CHECK(it.told == std::vector<UnitNames>{UnitNames{}});
    CHECK(it.holds.held_in("/d").empty());
    it.holds.answered({request, {"a"}});
    CHECK(it.told.size() == 1);
}

TEST_CASE("a process that ends answers nothing in whatever directories it was asked about") {
    Holds it;
    it.ask("/d", {"a"});
    it.ask("/link", {"a"});
    it.holds.ended(asked_process);
    CHECK(it.told == std::vector<UnitNames>{{}, {}});
    CHECK(it.holds.held_in("/link").empty());
}

TEST_CASE("an answer to what was asked before the last request, or was released, is nobody's") {
    Holds it;
    const std::uint64_t first = it.ask("/d", {"a"});
    const std::uint64_t second = it.ask("/d", {"b"});
    it.holds.answered({first, {"a"}});
    CHECK(it.told.empty());
    it.holds.release("/d");
    it.holds.answered({second, {"b"}});
    it.holds.ended(asked_process);
    CHECK(it.told.empty());
    CHECK(it.holds.held_in("/d").empty());
}

}  // namespace mistamover::test
