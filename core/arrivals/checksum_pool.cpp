// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_pool.hpp"

#include <exception>
#include <utility>

#include "files/digest.hpp"

namespace mistamover::arrivals {

ChecksumPool::ChecksumPool(unsigned threads, std::function<void()> on_result)
    : on_result_(std::move(on_result)) {
    for (unsigned i = 0; i < threads; ++i) {
        threads_.emplace_back([this] { run(); });
    }
}

ChecksumPool::~ChecksumPool() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void ChecksumPool::add(Request request) {
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
    }
    wake_.notify_one();
}

std::vector<ChecksumPool::Result> ChecksumPool::results() {
    const std::lock_guard lock(mutex_);
    return std::exchange(results_, {});
}

void ChecksumPool::run() {
    while (true) {
        Request request;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return ending_ || !requests_.empty(); });
            if (ending_) {
                return;
            }
            request = std::move(requests_.front());
            requests_.pop_front();
        }
        Result result{request.id, std::nullopt};
        try {
            result.digest = files::digest_of(request.directory_fd, request.name, request.algorithm);
        } catch (const std::exception&) {
            result.digest.reset();
        }
        bool is_first = false;
        {
            const std::lock_guard lock(mutex_);
            is_first = results_.empty();
            results_.push_back(std::move(result));
        }
        if (is_first) {
            on_result_();
        }
    }
}

}  // namespace mistamover::arrivals
