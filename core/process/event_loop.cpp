// SPDX-License-Identifier: BSD-3-Clause
#include "process/event_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "process/throw_errno.hpp"

namespace mistamover::process {
namespace {

void check(int result, const char* what) {
    if (result < 0) {
        throw_errno(what);
    }
}

}  // namespace

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    check(epoll_.get(), "epoll_create1");
}

void EventLoop::watch(int fd, std::uint32_t events, FdHandler handler) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl(add)");
    handlers_[fd] = std::make_shared<FdHandler>(std::move(handler));
}

void EventLoop::change(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl(modify)");
}

void EventLoop::unwatch(int fd) {
    if (handlers_.erase(fd) != 0) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    }
}

EventLoop::TimerId EventLoop::call_at(Clock::time_point when, TimerHandler handler) {
    const TimerId id = next_timer_++;
    timers_.emplace(when, Timer{id, std::move(handler)});
    return id;
}

void EventLoop::cancel(TimerId timer) {
    const auto found = std::find_if(timers_.begin(), timers_.end(),
                                    [&](const auto& entry) { return entry.second.id == timer; });
    if (found != timers_.end()) {
        timers_.erase(found);
    }
}

void EventLoop::handle_signals(std::initializer_list<int> signals,
                               std::function<void(int signal, int sender_pid)> handler) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        sigaddset(&set, signal);
    }
    check(-::pthread_sigmask(SIG_BLOCK, &set, nullptr), "pthread_sigmask");
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    check(signals_.get(), "signalfd");
    watch(signals_.get(), EPOLLIN, [this, handler = std::move(handler)](std::uint32_t) {
        signalfd_siginfo info{};
        while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            handler(static_cast<int>(info.ssi_signo), static_cast<int>(info.ssi_pid));
        }
    });
}

int EventLoop::wait_time() const {
    if (timers_.empty()) {
        return -1;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

void EventLoop::run_due_timers() {
    const auto now = Clock::now();
    while (running_ && !timers_.empty() && timers_.begin()->first <= now) {
        const auto node = timers_.extract(timers_.begin());
        node.mapped().handler();
    }
}

void EventLoop::run() {
    running_ = true;
    std::array<epoll_event, 64> events{};
    while (running_) {
        const int count =
            ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_time());
        if (count < 0 && errno != EINTR) {
            check(count, "epoll_wait");
        }
        for (int i = 0; i < count && running_; ++i) {
            const epoll_event& event = events.at(static_cast<std::size_t>(i));
            const auto found = handlers_.find(event.data.fd);
            if (found != handlers_.end()) {
                const std::shared_ptr<FdHandler> handler = found->second;
                (*handler)(event.events);
            }
        }
        run_due_timers();
    }
}

}  // namespace mistamover::process
