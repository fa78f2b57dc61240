// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_file.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <limits>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mistamover::logging {
namespace {

/// No line of ours is longer: a text of 32 KiB of which every byte becomes "\u0000", with the names around
/// it.
constexpr std::uint64_t longest_line = std::uint64_t{256} * 1024;

constexpr std::uint64_t reserved_ahead = std::uint64_t{16} * 1024;
constexpr std::uint64_t least_reserved = reserved_ahead / 2;

/// Much longer than a disk takes for one write.
constexpr std::chrono::seconds longest_wait_for_lock{3};
constexpr std::chrono::milliseconds lock_look_interval{1};

bool exists(const std::string& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0;
}

}  // namespace

/// The file's lock, where it can be had.
class LogFile::Lock {
  public:
    explicit Lock(LogFile& file) : file_(file), held_(take()) {
        const auto until = std::chrono::steady_clock::now() + longest_wait_for_lock;
        while (!held_ && (errno == EWOULDBLOCK || errno == EINTR) && file_.waits_for_lock_ &&
               std::chrono::steady_clock::now() < until) {
            std::this_thread::sleep_for(lock_look_interval);
            held_ = take();
        }
        file_.waits_for_lock_ = held_;
    }
    // Not left to the closing: a child that was forked meanwhile has the descriptor, too, until it is another
    // program.
    ~Lock() {
        if (held_ && file_.fd_.valid()) {
            ::flock(file_.fd_.get(), LOCK_UN);
        }
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    [[nodiscard]] bool held() const noexcept { return held_; }

  private:
    [[nodiscard]] bool take() const { return ::flock(file_.fd_.get(), LOCK_EX | LOCK_NB) == 0; }

    LogFile& file_;
    bool held_;
};

int LogFile::prepare(const Rotation& rotation, std::size_t line) {
    int error = fd_.valid() ? look_at_size() : open();
    room_ = std::numeric_limits<std::uint64_t>::max();
    if (error != 0 || rotation.max_size == 0) {
        return error;
    }
    if (size_ > 0 && size_ + line > rotation.max_size) {
        rotation_error_ = rotate(rotation.keep);
        if (rotation_error_ != 0) {
            return 0;
        }
        error = open();
    }
    room_ = std::max<std::uint64_t>(line, size_ < rotation.max_size ? rotation.max_size - size_ : 0);
    return error;
}

int LogFile::try_out() {
    const int error = open_or_make();
    close();
    return error;
}

int LogFile::open_or_make() {
    // Non-blocking, because the open of a FIFO that somebody put there would wait for a reader.
    const int flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    fd_.reset(::open(path_.c_str(), flags, 0644));
    if (!fd_.valid() && errno == ENOENT) {
        std::error_code error;
        std::filesystem::create_directories(path_.parent_path(), error);
        if (error) {
            return error.value();
        }
        fd_.reset(::open(path_.c_str(), flags, 0644));
    }
    if (!fd_.valid()) {
        return errno;
    }
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        fd_.reset();
        return ENXIO;
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
    return 0;
}

int LogFile::open() {
    if (const int error = open_or_make(); error != 0) {
        return error;
    }
    reserved_until_ = 0;
    const int error = remove_unfinished_line();
    if (error != 0) {
        fd_.reset();
    }
    return error;
}

int LogFile::take_size() {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) {
        return errno;
    }
    const auto size = static_cast<std::uint64_t>(info.st_size);
    reserved_until_ = size < size_ ? 0 : reserved_until_;
    size_ = size;
    return 0;
}

bool LogFile::ends_with_newline() const {
    char last = '\n';
    return size_ == 0 || (::pread(fd_.get(), &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last == '\n');
}

/// What stands behind the last newline was being written when the process died. Its record was not yet taken
/// from the socket, and will be written whole. Or it is being written just now, by a server that lives: then
/// it is whole once the lock is there.
int LogFile::remove_unfinished_line() {
    if (ends_with_newline()) {
        return 0;
    }
    const Lock lock(*this);
    if (const int error = take_size(); error != 0 || ends_with_newline()) {
        return error;
    }
    const std::uint64_t looked_at = std::min(size_, longest_line);
    std::string tail(looked_at, '\0');
    const ssize_t got = ::pread(fd_.get(), tail.data(), tail.size(), static_cast<off_t>(size_ - looked_at));
    const std::size_t newline = tail.rfind('\n');
    if (!lock.held() || got != static_cast<ssize_t>(looked_at) ||
        (newline == std::string::npos && looked_at < size_)) {
        return append_locked("\n", lock);  // No unfinished line of ours: nothing of it may be lost.
    }
    const std::uint64_t whole = size_ - looked_at + (newline == std::string::npos ? 0 : newline + 1);
    if (::ftruncate(fd_.get(), static_cast<off_t>(whole)) != 0) {
        return errno;
    }
    size_ = whole;
    return 0;
}

/// The size is asked for each time, because others truncate log files (logrotate's copytruncate), and a file
/// that was deleted must not swallow records.
int LogFile::look_at_size() {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) {
        const int error = errno;
        fd_.reset();
        return error;
    }
    if (info.st_nlink == 0) {
        return open();
    }
    return take_size();
}

/// Reserves nothing that a rotated file would keep. ENOSPC where so much can certainly not be written: then
/// nothing is tried that would have to be undone, and what is reserved stays for a shorter line.
int LogFile::reserve(std::size_t bytes) {
    const std::uint64_t until_rotation = room_ - std::min<std::uint64_t>(room_, bytes);
    const std::uint64_t least = std::min(least_reserved, until_rotation);
    if (reserved_until_ >= bytes + least && size_ <= reserved_until_ - bytes - least) {
        return 0;
    }
    for (const std::uint64_t ahead : {std::min(reserved_ahead, until_rotation), std::uint64_t{0}}) {
        const std::uint64_t length = bytes + ahead;
        if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_),
                        static_cast<off_t>(length)) == 0) {
            reserved_until_ = size_ + length;
            return 0;
        }
        if (errno != ENOSPC && errno != EDQUOT) {
            reserved_until_ = std::numeric_limits<std::uint64_t>::max();  // it cannot do that
            return 0;
        }
    }
    return size_ + bytes <= reserved_until_ ? 0 : errno;
}

int LogFile::append(std::string_view lines) {
    const Lock lock(*this);
    const int error = take_size();  // another may have written since prepare
    return error != 0 ? error : append_locked(lines, lock);
}

int LogFile::append_locked(std::string_view lines, const Lock& lock) {
    if (const int error = reserve(lines.size()); error != 0) {
        return error;
    }
    std::string_view left = lines;
    while (!left.empty()) {
        const ssize_t written = ::write(fd_.get(), left.data(), left.size());
        if (written > 0) {
            left.remove_prefix(static_cast<std::size_t>(written));
        } else if (written == 0 || errno != EINTR) {
            const int error = written < 0 ? errno : EIO;
            undo(lines.size() - left.size(), lock);
            return error;
        }
    }
    size_ += lines.size();
    return 0;
}

/// Without the lock what is behind `size_` may be another's.
void LogFile::undo(std::size_t written, const Lock& lock) {
    reserved_until_ = 0;
    if (written > 0 && (!lock.held() || ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)) {
        fd_.reset();  // Opening it again tries again to remove what is unfinished.
    }
}

bool LogFile::is_still_at_path() const {
    struct stat opened {};
    struct stat named {};
    return ::fstat(fd_.get(), &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

std::string LogFile::old_path(std::uint64_t number) const {
    return path_.string() + '.' + std::to_string(number);
}

/// Moves up only the old files below the first free number, so that a rotation that was interrupted, and left
/// a gap, costs no file. On failure the file stays open under its name.
int LogFile::rotate(std::uint32_t keep) {
    if (!is_still_at_path()) {
        return 0;  // Somebody else has rotated it.
    }
    if (keep == 0) {
        return ::unlink(path_.c_str()) == 0 ? 0 : errno;
    }
    std::uint64_t free_number = 1;
    while (free_number < keep && exists(old_path(free_number))) {
        ++free_number;
    }
    for (std::uint64_t number = free_number; number > 1; --number) {
        if (::rename(old_path(number - 1).c_str(), old_path(number).c_str()) != 0) {
            return errno;
        }
    }
    if (::rename(path_.c_str(), old_path(1).c_str()) != 0) {
        return errno;
    }
    for (std::uint64_t number = keep + std::uint64_t{1}; ::unlink(old_path(number).c_str()) == 0; ++number) {
    }
    return 0;
}

}  // namespace mistamover::logging
