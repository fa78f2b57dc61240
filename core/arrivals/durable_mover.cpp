// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/durable_mover.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include "arrivals/passing_error.hpp"
#include "files/durability.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::arrivals {
namespace {

constexpr std::size_t largest_batch = 2000;

constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;

// Whatever names it has got or lost since.
bool is_same_file(const FileIdentity& a, const FileIdentity& b) {
    return a.inode == b.inode && a.size == b.size && a.mtime_ns == b.mtime_ns && a.is_file == b.is_file;
}

class Batch {
  public:
    Batch(const ArrivalJournal& journal, const Directory& data) : journal_(journal), data_(data) {}

    void write_content(const std::vector<MoveRequest>& requests, std::vector<MoveResult>& results) const {
        Write* const write = files::write_out_together(data_.fd(), requests.size())
                                 ? files::write_out_rest
                                 : static_cast<Write*>(files::write_out);
        for (std::size_t i = 0; i < requests.size(); ++i) {
            write_content(requests[i], write, results[i]);
        }
    }

    // Into another directory than the stream's nothing may go: its sender would be told that it has arrived.
    void move(const std::vector<MoveRequest>& requests, std::vector<MoveResult>& results) const {
        const bool is_there = data_.is_still_there();
        for (std::size_t i = 0; i < requests.size(); ++i) {
            MoveResult& result = results[i];
            const bool is_to_move = requests[i].has_data || result.first_error != 0;
            if (is_to_move && result.disk_error == 0) {
                result.move_error = is_there ? move(requests[i]) : ESTALE;
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

    void write_content(const MoveRequest& request, Write* write, MoveResult& result) const {
        int error = request.first_error;
        if (error == 0) {
            error = request.has_data ? write_journal(ArrivalJournal::data_file(request.job), write)
                                     : write_delivered(request.name, write);
        }
        if (request.first && !is_passing(error)) {
            result.first_error = std::exchange(error, 0);
        }
        result.disk_error =
            error != 0 ? error : write_journal(ArrivalJournal::receipt_file(request.job), write);
    }

    [[nodiscard]] int write_journal(const std::string& file, Write* write) const {
        const process::UniqueFd fd(::openat(journal_.directory().fd(), file.c_str(), open_flags));
        return fd.valid() ? write(fd.get()) : errno;
    }

    // It may have been sent on since, and its name be a link's or a socket's: then it is no longer this
    // directory's to keep. One that may not be opened is written with all that is on its file system.
    [[nodiscard]] int write_delivered(const std::string& name, Write* write) const {
        const process::UniqueFd fd(::openat(data_.fd(), name.c_str(), open_flags | O_NONBLOCK));
        if (fd.valid()) {
            return write(fd.get());
        }
        if (errno == EACCES || errno == EPERM) {
            return ::syncfs(data_.fd()) == 0 ? 0 : errno;
        }
        return errno == ENOENT || errno == ELOOP || errno == ENXIO ? 0 : errno;
    }

    // 0, or the errno. Where another file has the name by now, nothing is replaced.
    [[nodiscard]] int move(const MoveRequest& request) const {
        if (request.has_data || data_.look(request.name) != request.first) {
            return journal_.move_data(request.job, data_, request.name);
        }
        const int error = journal_.exchange_data(request.job, data_, request.name);
        if (error == EINVAL || error == ENOSYS) {
            return journal_.move_data_over(request.job, data_, request.name);
        }
        return error != 0 ? error : drop_first(request);
    }

    // The journal has it now, unless another file took the name at that very moment: that gets it back, as
    // the first does where it is not sure that it has lost it.
    [[nodiscard]] int drop_first(const MoveRequest& request) const {
        const std::optional<FileIdentity> first = journal_.look_at_data(request.job);
        const bool is_first = first && is_same_file(*first, *request.first);
        const int error = is_first ? files::write_out(data_.fd()) : EEXIST;
        if (error != 0) {
            const int kept = journal_.exchange_data(request.job, data_, request.name);
            if (kept == 0 || !is_first) {
                return kept != 0 ? kept : error;
            }
        }
        journal_.drop_data(request.job);
        return 0;
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
