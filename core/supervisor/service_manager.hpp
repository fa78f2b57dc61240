// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "process/event_loop.hpp"

namespace mistamover::supervisor {

/// What systemd is told, if it is there ($NOTIFY_SOCKET): readiness, reloading, stopping, a line for
/// `systemctl status`, and, where it asks for it, that the event loop goes round.
class ServiceManager {
  public:
    explicit ServiceManager(process::EventLoop& loop) : loop_(loop) {}
    ~ServiceManager() { loop_.cancel(timer_); }
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    /// After the start and after each reload.
    static void ready(const std::string& status);
    static void reloading();
    static void stopping();
    /// Tells at once, and from now on twice in each interval that systemd wants it.
    void start_watchdog();

  private:
    process::EventLoop& loop_;
    process::EventLoop::TimerId timer_ = 0;
};

}  // namespace mistamover::supervisor
