// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "process/unique_fd.hpp"

namespace mistamover::logging {

/// One log file that rotates: name.log is written, name.log.1 is the one before it and name.log.N the oldest,
/// as logrotate calls them. Only whole lines are ever in it: a write that fails is undone, and one that was
/// cut short by the death of the process is undone by the next opening, while the record is still in the log
/// socket. Behind its end some space is reserved for what comes next, where the file system can do that: so a
/// disk that others have filled still takes some records.
///
/// Another log server may write to the same file meanwhile, which an earlier controller has left, or its
/// reviver: whoever writes has the file's lock (flock), and only under it is anything cut off. It is not
/// waited for without end, since whoever may read the file may keep it: then what is unfinished stays.
///
/// Poco's FileChannel does not serve here: it writes through a std::ofstream, so that a failed write leaves
/// part of a line in the file or in the stream's buffer and does not say why it failed, and it goes on
/// writing to a file that was deleted.
class LogFile {
  public:
    struct Rotation {
        std::uint64_t max_size = 0;  ///< Bytes; 0: the file never rotates.
        std::uint32_t keep = 0;      ///< Old files beside the one that is written.
    };

    explicit LogFile(std::filesystem::path path) : path_(std::move(path)) {}

    /// Makes the file, and its directory, where it is not there, and rotates it where `line` bytes more would
    /// make it larger than max_size. Returns 0 or errno. Where only the rotation fails, the file just grows:
    /// see rotation_error.
    int prepare(const Rotation& rotation, std::size_t line);
    /// After prepare: how many bytes go in before the next rotation, at least `line`.
    [[nodiscard]] std::uint64_t room() const noexcept { return room_; }
    /// After prepare: writes whole lines, all or, with errno as the result, none.
    int append(std::string_view lines);
    /// Makes the file, and its directory, where it is not there, and opens it for once; leaves what is in it
    /// alone, for another process may be writing there. Returns 0 or errno.
    int try_out();
    /// The next prepare opens the file by its name again.
    void close() noexcept { fd_.reset(); }

    [[nodiscard]] int rotation_error() const noexcept { return rotation_error_; }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    class Lock;

    int open();
    int open_or_make();
    int look_at_size();
    int take_size();
    [[nodiscard]] bool ends_with_newline() const;
    int remove_unfinished_line();
    int append_locked(std::string_view lines, const Lock& lock);
    void undo(std::size_t written, const Lock& lock);
    int reserve(std::size_t bytes);
    int rotate(std::uint32_t keep);
    [[nodiscard]] bool is_still_at_path() const;
    [[nodiscard]] std::string old_path(std::uint64_t number) const;

    std::filesystem::path path_;
    process::UniqueFd fd_;
    std::uint64_t size_ = 0;
    std::uint64_t room_ = 0;
    std::uint64_t reserved_until_ = 0;  ///< Up to this size nothing can be missing.
    int rotation_error_ = 0;
    bool waits_for_lock_ = true;  ///< Somebody who keeps it is waited for once.
};

}  // namespace mistamover::logging
