// SPDX-License-Identifier: BSD-3-Clause
#include "stream/session_context.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>

#include "process/throw_errno.hpp"

namespace mistamover::stream {

CancelToken::CancelToken() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_.valid()) {
        process::throw_errno("eventfd");
    }
}

void CancelToken::cancel() noexcept {
    cancelled_ = true;
    ::eventfd_write(event_.get(), 1);
}

void StreamSessionContext::acquire(std::uint64_t bytes) noexcept {
    const auto start = limiter_.book(bytes, RateLimiter::Clock::now());
    while (!cancelled()) {
        const auto wait =
            std::chrono::ceil<std::chrono::milliseconds>(start - RateLimiter::Clock::now()).count();
        if (wait <= 0) {
            return;
        }
        pollfd cancel{cancel_fd(), POLLIN, 0};
        ::poll(&cancel, 1, static_cast<int>(wait));
    }
}

}  // namespace mistamover::stream
