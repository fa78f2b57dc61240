// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/log_service.hpp"

#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "loop_support.hpp"
#include "process/spawn.hpp"

namespace mistamover::test {

using supervisor::LogService;

TEST_CASE("whoever writes to the log may be held up where nobody reads it") {
    process::EventLoop loop;
    LogService log(loop, {});
    CHECK_FALSE(log.may_hold_up_writers());
    const std::string record(10'000, 'x');
    while (::send(log.socket(), record.data(), record.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    CHECK(log.may_hold_up_writers());
}

// This same program, with this test alone, is the log server of the next one.
TEST_CASE("of a log server that cannot write" * doctest::skip()) {
    const std::string_view problem = "the disk is full";
    char settings = 0;
    CHECK(::read(process::channel_fd, &settings, 1) >= 0);
    CHECK(::write(process::channel_fd, problem.data(), problem.size()) ==
          static_cast<ssize_t>(problem.size()));
}

TEST_CASE("whoever writes to the log is not held up while what cannot be written finds room") {
    process::EventLoop loop;
    LogService log(loop, {"--no-skip", "--test-case=of a log server that cannot write"});
    log.start_server();
    CHECK(run_until(loop, [&] { return log.problem().starts_with("the disk is full"); }));
    CHECK_FALSE(log.may_hold_up_writers());
    log.finish(std::chrono::seconds{60});  // for the server to end
}

}  // namespace mistamover::test
