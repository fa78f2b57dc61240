// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_pool.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "files/digest.hpp"

namespace mistamover::arrivals {
namespace {

// Waking a thread takes as long as a small file; but one that takes its time keeps no other waiting.
constexpr std::size_t small_files = 16;
constexpr std::uint64_t small_bytes = 1024UL * 1024;

ChecksumResult checksum_of(const ChecksumRequest& request, const std::stop_token& ending) {
    ChecksumResult result{request.job, std::nullopt, 0, {}};
    try {
        result.digest = files::digest_of(request.directory_fd, request.name, request.size, request.algorithm,
                                         [&ending] { return ending.stop_requested(); });
    } catch (const std::system_error& error) {
        result.error = error.code().value();
    } catch (const files::DigestRefused& refused) {
        // As any shortage of this machine: it tells nothing of the file, of which no receipt must tell then.
        result.error = ENOMEM;
        result.refusal = refused.what();
    } catch (const std::bad_alloc&) {
        result.error = ENOMEM;
    } catch (const std::exception&) {
        result.error = EIO;
    }
    return result;
}

std::vector<ChecksumResult> compute_all(const std::vector<ChecksumRequest>& batch,
                                        const std::stop_token& ending) {
    std::vector<ChecksumResult> results;
    results.reserve(batch.size());
    for (const ChecksumRequest& request : batch) {
        results.push_back(checksum_of(request, ending));
    }
    return results;
}

}  // namespace

// Two threads at least: a large file on a machine of one core keeps no small ones waiting.
ChecksumPool::ChecksumPool(std::function<void()> on_result)
    : ChecksumPool(std::move(on_result), std::stop_source{}) {}

ChecksumPool::ChecksumPool(std::function<void()> on_result, std::stop_source ending)
    : Workers(
          {std::clamp(std::thread::hardware_concurrency(), 2U, 8U), small_files, small_bytes},
          [token = ending.get_token()](const std::vector<ChecksumRequest>& batch) {
              return compute_all(batch, token);
          },
          std::move(on_result)),
      ending_(std::move(ending)) {}

ChecksumPool::~ChecksumPool() {
    ending_.request_stop();
}

}  // namespace mistamover::arrivals
