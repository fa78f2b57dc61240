// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/background_loader.hpp"

#include <cerrno>
#include <exception>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>

#include "process/throw_errno.hpp"

namespace mistamover::supervisor {

BackgroundLoader::BackgroundLoader(process::EventLoop& loop, Load load, Done done,
                                   std::chrono::milliseconds longest_wait_at_end)
    : loop_(loop),
      done_(std::move(done)),
      longest_wait_at_end_(longest_wait_at_end),
      work_(std::make_shared<Work>()) {
    work_->load = std::move(load);
    work_->finished.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!work_->finished.valid()) {
        process::throw_errno("eventfd");
    }
    loop_.watch(work_->finished.get(), EPOLLIN, [this](std::uint32_t) { finish(); });
}

BackgroundLoader::~BackgroundLoader() {
    loop_.unwatch(work_->finished.get());
    if (!thread_.joinable()) {
        return;
    }
    std::unique_lock lock(work_->mutex);
    const bool has_ended =
        work_->has_result.wait_for(lock, longest_wait_at_end_, [this] { return work_->result.has_value(); });
    lock.unlock();
    if (has_ended) {
        thread_.join();
    } else {
        thread_.detach();
    }
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
        thread_ = std::thread([work = work_] { run(*work); });
    } catch (const std::system_error&) {
        run(*work_);  // no thread is to be had: rather late than never
    }
}

void BackgroundLoader::run(Work& work) {
    config::Configuration loaded;
    try {
        loaded = work.load();
    } catch (const std::exception& error) {
        loaded.problems.push_back(
            {"", 0, 0, "", std::string("the configuration cannot be read: ") + error.what()});
    }
    {
        const std::lock_guard lock(work.mutex);
        work.result = std::move(loaded);
    }
    work.has_result.notify_one();
    ::eventfd_write(work.finished.get(), 1);
}

void BackgroundLoader::finish() {
    eventfd_t count = 0;
    ::eventfd_read(work_->finished.get(), &count);
    if (thread_.joinable()) {
        thread_.join();
    }
    config::Configuration loaded;
    {
        const std::lock_guard lock(work_->mutex);
        if (!work_->result) {
            return;
        }
        loaded = std::move(*work_->result);
        work_->result.reset();
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
