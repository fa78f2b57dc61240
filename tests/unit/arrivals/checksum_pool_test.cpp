// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_pool.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <future>
#include <memory>
#include <mutex>

#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::arrivals {

constexpr std::uint64_t all = 1ULL << 42U;

TEST_CASE("a pool that ends gives up what it computes") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "small", "hello");
    test::write_file(scratch / "endless", "");
    std::filesystem::resize_file(scratch / "endless", 1ULL << 42U);
    std::promise<void> first;
    ChecksumPool pool([&first, told = std::make_shared<std::once_flag>()] {
        std::call_once(*told, [&first] { first.set_value(); });
    });
    pool.add({1, directory.get(), "endless", all, "md5"});
    pool.add({2, directory.get(), "small", 5, "md5"});
    pool.hand_over();
    first.get_future().wait();
    const std::vector<ChecksumResult> results = pool.results();
    REQUIRE(results.size() == 1);
    CHECK(results[0].job == 2);
    CHECK(results[0].digest == "5d41402abc4b2a76b9719d911017c592");
}

}  // namespace mistamover::arrivals
