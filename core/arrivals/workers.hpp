// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace mistamover::arrivals {

/// Threads that do what is asked for in the order asked for, several requests at once where they may: while
/// one batch is done, the next gathers. Used by one thread.
template <typename Request, typename Result>
class Workers {
  public:
    struct Shape {
        unsigned threads = 1;
        std::size_t batch = 1;  ///< So many requests at most.
        /// Together they weigh at most `weight`, unless it is a single one.
        std::uint64_t weight = std::numeric_limits<std::uint64_t>::max();
    };
    /// Called on any of the threads; must not throw.
    using Work = std::function<std::vector<Result>(const std::vector<Request>&)>;

    /// Makes a thread that runs what it is given.
    using Start = std::function<std::thread(const std::function<void()>&)>;

    /// `on_result` is called on one of the threads where results() has some again. Throws std::system_error
    /// where the machine has not so many threads.
    Workers(
        const Shape& shape, Work work, std::function<void()> on_result,
        const Start& start = [](const std::function<void()>& run) { return std::thread(run); })
        : shape_(shape), work_(std::move(work)), on_result_(std::move(on_result)) {
        threads_.reserve(shape.threads);
        try {
            for (unsigned i = 0; i < shape.threads; ++i) {
                threads_.push_back(start([this] { run(); }));
            }
        } catch (...) {
            end();
            throw;
        }
    }
    /// Waits for what is in hand; the rest is left.
    ~Workers() { end(); }
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// Not begun before hand_over(), unless many have come.
    void add(Request request) {
        added_.push_back(std::move(request));
        if (added_.size() >= many) {
            hand_over();
        }
    }
    void hand_over() {
        if (added_.empty()) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            std::move(added_.begin(), added_.end(), std::back_inserter(requests_));
        }
        added_.clear();
        wake_.notify_all();
    }
    /// Those that have come since the last call.
    std::vector<Result> results() {
        const std::lock_guard lock(mutex_);
        return std::exchange(results_, {});
    }

  private:
    static constexpr std::size_t many = 64;

    void end() {
        {
            const std::lock_guard lock(mutex_);
            ending_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

    void run() {
        std::vector<Request> batch;
        while (take(batch)) {
            std::vector<Result> results = work_(batch);
            bool is_first = false;
            {
                const std::lock_guard lock(mutex_);
                is_first = results_.empty();
                std::move(results.begin(), results.end(), std::back_inserter(results_));
            }
            if (is_first) {
                on_result_();
            }
        }
    }

    // False at the end.
    bool take(std::vector<Request>& batch) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return ending_ || !requests_.empty(); });
        if (ending_) {
            return false;
        }
        batch.clear();
        std::uint64_t weight = 0;
        do {
            weight += requests_.front().weight();
            batch.push_back(std::move(requests_.front()));
            requests_.pop_front();
        } while (!requests_.empty() && batch.size() < shape_.batch &&
                 weight + requests_.front().weight() <= shape_.weight);
        return true;
    }

    Shape shape_;
    std::vector<Request> added_;
    Work work_;
    std::function<void()> on_result_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Request> requests_;
    std::vector<Result> results_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace mistamover::arrivals
