// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_pool.hpp"

#include <atomic>
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "arrivals/passing_error.hpp"
#include "arrivals/workers.hpp"
#include "no_digests.hpp"
#include "no_more_files.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::arrivals {

constexpr std::uint64_t all = 1ULL << 42U;

TEST_CASE("where the machine has no second thread, the first one ends and the reason is told") {
    using Pool = Workers<ChecksumRequest, ChecksumResult>;
    int started = 0;
    const Pool::Start start = [&started](const std::function<void()>& run) {
        if (++started > 1) {
            throw std::system_error(EAGAIN, std::generic_category());
        }
        return std::thread(run);
    };
    const auto work = [](const std::vector<ChecksumRequest>&) { return std::vector<ChecksumResult>(); };
    CHECK_THROWS_AS(Pool(
                        {3}, work, [] {}, start),
                    std::system_error);
    CHECK(started == 2);
}

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

TEST_CASE("a file that cannot be read for now is told from one that never can") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "small", "hello");
    std::atomic<bool> told = false;
    ChecksumPool pool([&told] { told = true; });
    const auto result_of = [&](const std::string& name, bool may_open) {
        pool.add({1, directory.get(), name, 5, "md5"});
        {
            std::optional<test::NoMoreFiles> none;
            if (!may_open) {
                none.emplace();
            }
            pool.hand_over();
            REQUIRE(test::eventually([&] { return told.exchange(false); }));
        }
        const std::vector<ChecksumResult> results = pool.results();
        REQUIRE(results.size() == 1);
        return results[0];
    };
    const ChecksumResult refused = result_of("small", false);
    CHECK_FALSE(refused.digest);
    CHECK(refused.error == EMFILE);
    const ChecksumResult missing = result_of("missing", true);
    CHECK_FALSE(missing.digest);
    CHECK(missing.error == ENOENT);
    const ChecksumResult read = result_of("small", true);
    CHECK(read.digest == "5d41402abc4b2a76b9719d911017c592");
    CHECK(read.error == 0);
}

TEST_CASE("where OpenSSL refuses the algorithm nothing is told of the file") {
    const test::Scratch scratch;
    const process::UniqueFd directory(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    test::write_file(scratch / "small", "hello");
    const test::NoDigests refused;
    std::promise<void> first;
    ChecksumPool pool([&first] { first.set_value(); });
    pool.add({1, directory.get(), "small", 5, "md5"});
    pool.hand_over();
    first.get_future().wait();
    const std::vector<ChecksumResult> results = pool.results();
    REQUIRE(results.size() == 1);
    CHECK_FALSE(results[0].digest);
    CHECK(is_passing(results[0].error));  // which is tried again, and not answered
}

}  // namespace mistamover::arrivals
