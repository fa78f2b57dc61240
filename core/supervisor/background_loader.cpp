// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/background_loader.hpp"

#include <cerrno>
#include <exception>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>

#include "process/throw_errno.hpp"

namespace mistamover::supervisor {

BackgroundLoader::BackgroundLoader(process::EventLoop& loop, Load load, Done done)
    : loop_(loop),
      load_(std::move(load)),
      done_(std::move(done)),
      finished_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!finished_.valid()) {
        process::throw_errno("eventfd");
    }
    loop_.watch(finished_.get(), EPOLLIN, [this](std::uint32_t) { finish(); });
}

BackgroundLoader::~BackgroundLoader() {
    if (thread_.joinable()) {
        thread_.join();
    }
    loop_.unwatch(finished_.get());
}

void BackgroundLoader::start() {
    again_ = busy_;
    if (!busy_) {
        begin();
    }
}

void BackgroundLoader::begin() {
    busy_ = true;
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
        run();  // no thread is to be had: rather late than never
    }
}

void BackgroundLoader::run() {
    config::Configuration loaded;
    try {
        loaded = load_();
    } catch (const std::exception& error) {
        loaded.problems.push_back(
            {"", 0, 0, "", std::string("the configuration cannot be read: ") + error.what()});
    }
    {
        const std::lock_guard lock(mutex_);
        result_ = std::move(loaded);
    }
    ::eventfd_write(finished_.get(), 1);
}

void BackgroundLoader::finish() {
    eventfd_t count = 0;
    ::eventfd_read(finished_.get(), &count);
    if (thread_.joinable()) {
        thread_.join();
    }
    config::Configuration loaded;
    {
        const std::lock_guard lock(mutex_);
        if (!result_) {
            return;
        }
        loaded = std::move(*result_);
        result_.reset();
    }
    busy_ = false;
    if (again_) {
        again_ = false;
        begin();
    } else {
        done_(std::move(loaded));
    }
}

}  // namespace mistamover::supervisor
