// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/service_manager.hpp"

#include <ctime>
#include <systemd/sd-daemon.h>

namespace mistamover::supervisor {

void ServiceManager::ready(const std::string& status) {
    ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceManager::reloading() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
    ::sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void ServiceManager::stopping() {
    ::sd_notify(0, "STOPPING=1\nSTATUS=stopping");
}

void ServiceManager::start_watchdog() {
    std::uint64_t interval_us = 0;
    if (::sd_watchdog_enabled(0, &interval_us) > 0) {
        ::sd_notify(0, "WATCHDOG=1");
        timer_ =
            loop_.call_after(std::chrono::milliseconds{interval_us / 2000}, [this] { start_watchdog(); });
    }
}

}  // namespace mistamover::supervisor
