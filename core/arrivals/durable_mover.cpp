// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/durable_mover.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>

#include "files/durability.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::arrivals {
namespace {

constexpr std::size_t largest_batch = 2000;

constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;

class Batch {
  public:
    Batch(const ArrivalJournal& journal, const Directory& data) : journal_(journal), data_(data) {}

    void write_content(const std::vector<MoveRequest>& requests, std::vector<MoveResult>& results) const {
        Write* const write = files::write_out_together(data_.fd(), requests.size())
                                 ? files::write_out_rest
                                 : static_cast<Write*>(files::write_out);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            results[i].disk_error = write_content(requests[i], write);
        }
    }

    // Into another directory than the stream's nothing may go: its sender would be told that it has arrived.
    void move(const std::vector<MoveRequest>& requests, std::vector<MoveResult>& results) const {
        const bool is_there = data_.is_still_there();
        for (std::size_t i = 0; i < requests.size(); ++i) {
            MoveResult& result = results[i];
            if (requests[i].has_data && result.disk_error == 0) {
                result.move_error =
                    is_there ? journal_.move_data(requests[i].job, data_, requests[i].name) : ESTALE;
                result.renamed = result.move_error == 0;
            }
        }
    }

    void write_names(std::vector<MoveResult>& results) const {
        const auto moved = [](const MoveResult& result) {
            return result.disk_error == 0 && result.move_error == 0;
        };
        const int error =
            std::any_of(results.begin(), results.end(), moved) ? files::write_out(data_.fd()) : 0;
        for (MoveResult& result : results) {
            if (moved(result)) {
                result.disk_error = error;
            }
        }
    }

  private:
    using Write = int(int fd) noexcept;

    [[nodiscard]] int write_content(const MoveRequest& request, Write* write) const {
        const int error = request.has_data ? write_journal(ArrivalJournal::data_file(request.job), write)
                                           : write_delivered(request.name, write);
        return error != 0 ? error : write_journal(ArrivalJournal::receipt_file(request.job), write);
    }

    [[nodiscard]] int write_journal(const std::string& file, Write* write) const {
        const process::UniqueFd fd(::openat(journal_.directory().fd(), file.c_str(), open_flags));
        return fd.valid() ? write(fd.get()) : errno;
    }

    // It may have been sent on since: then it is no longer this directory's to keep.
    [[nodiscard]] int write_delivered(const std::string& name, Write* write) const {
        const process::UniqueFd fd(::openat(data_.fd(), name.c_str(), open_flags | O_NONBLOCK));
        if (!fd.valid()) {
            return errno == ENOENT || errno == ELOOP ? 0 : errno;
        }
        return write(fd.get());
    }

    const ArrivalJournal& journal_;
    const Directory& data_;
};

std::vector<MoveResult> move_all(const std::vector<MoveRequest>& requests, const Batch& batch, bool to_disk) {
    std::vector<MoveResult> results;
    results.reserve(requests.size());
    for (const MoveRequest& request : requests) {
        results.push_back({request.job});
    }
    if (to_disk) {
        batch.write_content(requests, results);
    }
    batch.move(requests, results);
    if (to_disk) {
        batch.write_names(results);
    }
    return results;
}

}  // namespace

DurableMover::DurableMover(const ArrivalJournal& journal, const Directory& data, bool to_disk,
                           std::function<void()> on_result)
    : Workers(
          {1, largest_batch},
          [batch = Batch(journal, data), to_disk](const std::vector<MoveRequest>& requests) {
              return move_all(requests, batch, to_disk);
          },
          std::move(on_result)) {}

}  // namespace mistamover::arrivals
