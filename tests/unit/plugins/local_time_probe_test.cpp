// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstdlib>
#include <span>

#include "local_fixture.hpp"
#include "local_system_calls.hpp"

namespace mistamover::local::test {
namespace {

struct OneEntry final : StatSink {
    void entry(std::size_t /*index*/, const Status& status, const EntryInfo& found) noexcept override {
        CHECK(status.ok());
        info = found;
    }
    EntryInfo info;
};

EntryInfo info_at(Bench& bench, std::string_view name) {
    OneEntry sink;
    CHECK(bench.session().stat(std::span(&name, 1), sink).ok());
    return sink.info;
}

}  // namespace

TEST_CASE("a mirror finds a file equal that it has sent, however exactly the target keeps times") {
    constexpr std::int64_t second_ns = 1'000'000'000;
    constexpr std::array<std::int64_t, 6> precisions{1, 100, 1'000, 1'000'000, second_ns, 2 * second_ns};
    for (const std::int64_t precision : precisions) {
        CAPTURE(precision);
        Bench bench;
        bench.mode = TransferMode::mirror;
        write_file(bench.source("a"), "content");
        const std::array<timespec, 2> times{timespec{1'234'567'891, 0}, timespec{1'234'567'891, 987'654'321}};
        REQUIRE(::utimensat(AT_FDCWD, bench.source("a").c_str(), times.data(), 0) == 0);
        const KeepingTimes keeping(precision);
        CHECK(bench.session().capabilities().has(Capability::set_time));
        CHECK(bench.put_one("a", false).ok());
        const EntryInfo info = info_at(bench, "a");
        CHECK(info.mtime_precision_ns == precision);
        CHECK(std::abs(item_of(bench.source(), "a").mtime_ns - info.mtime_ns) < info.mtime_precision_ns);
    }
}

TEST_CASE("a target that accepts times and ignores them counts to a mirror as one that keeps none") {
    Bench bench;
    bench.mode = TransferMode::mirror;
    write_file(bench.source("a"), "content");
    const KeepingTimes none(std::nullopt);
    CHECK_FALSE(bench.session().capabilities().has(Capability::set_time));
    CHECK(bench.put_one("a", false).ok());
    CHECK(bench.delivered() == std::vector<std::string>{"a"});
}

TEST_CASE("trying out how a target keeps times leaves nothing in it") {
    Bench bench;
    bench.mode = TransferMode::mirror;
    CHECK(bench.session().capabilities().has(Capability::set_time));
    CHECK(names_in(bench.target()).empty());
}

}  // namespace mistamover::local::test
