// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mistamover::arrivals {

/// Computes the checksums of several files at once, in the order asked for.
class ChecksumPool {
  public:
    struct Request {
        std::uint64_t id = 0;
        int directory_fd = -1;  ///< Must stay open until the result is there.
        std::string name;
        std::string algorithm;
    };
    struct Result {
        std::uint64_t id = 0;
        std::optional<std::string> digest;  ///< Nothing where the file could not be read.
    };

    /// `on_result` is called on a thread of the pool where results() has some again.
    ChecksumPool(unsigned threads, std::function<void()> on_result);
    /// Waits for the files in hand; the others are left.
    ~ChecksumPool();
    ChecksumPool(const ChecksumPool&) = delete;
    ChecksumPool& operator=(const ChecksumPool&) = delete;

    void add(Request request);
    /// Those that have come since the last call.
    std::vector<Result> results();

  private:
    void run();

    std::function<void()> on_result_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Request> requests_;
    std::vector<Result> results_;
    bool ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace mistamover::arrivals
