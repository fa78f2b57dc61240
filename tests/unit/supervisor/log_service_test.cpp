// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/log_service.hpp"

#include <doctest/doctest.h>
#include <string>
#include <sys/socket.h>

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

}  // namespace mistamover::test
