// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_reserve.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/rename_no_replace.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::stream {
namespace {

constexpr off_t reserved_bytes = 4096;

// So long that a draft finds room where such a name was: a directory grows by blocks, too.
std::string place_of(std::size_t number) {
    constexpr std::size_t length = 140;
    std::string name = "reserve" + std::to_string(number);
    name.resize(length, '_');
    return std::string(HandshakeReserve::directory_name) + '/' + name;
}

// Of one that has a second name, somebody else sees the content.
bool is_of_use(const struct stat& info) {
    return S_ISREG(info.st_mode) && info.st_blocks > 0 && info.st_nlink == 1;
}

}  // namespace

// One that an earlier process has left may have held something shorter, and has its block.
bool HandshakeReserve::make(std::size_t number) const {
    const std::string place = place_of(number);
    constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    const process::UniqueFd file(::openat(directory_fd_, place.c_str(), flags, 0644));
    if (!file.valid()) {
        return false;
    }
    struct stat info {};
    if (::posix_fallocate(file.get(), 0, reserved_bytes) == 0 ||
        (::fstat(file.get(), &info) == 0 && is_of_use(info))) {
        return true;
    }
    ::unlinkat(directory_fd_, place.c_str(), 0);
    return false;
}

void HandshakeReserve::fill() {
    const std::lock_guard lock(mutex_);
    if (there_.all()) {
        return;
    }
    (void)::mkdirat(directory_fd_, directory_name, 0700);
    for (std::size_t number = 0; number < most; ++number) {
        there_[number] = there_[number] || make(number);
    }
}

bool HandshakeReserve::take(const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (std::size_t number = 0; number < most; ++number) {
        if (!there_[number]) {
            continue;
        }
        const bool taken =
            ::renameat(directory_fd_, place_of(number).c_str(), directory_fd_, path.c_str()) == 0;
        there_[number] = !taken && errno != ENOENT;
        if (taken) {
            return true;
        }
    }
    errno = ENOSPC;
    return false;
}

bool HandshakeReserve::keep(const std::string& path) {
    const std::lock_guard lock(mutex_);
    struct stat info {};
    if (there_.all() || ::fstatat(directory_fd_, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        !is_of_use(info)) {
        return false;
    }
    int error = EEXIST;
    for (std::size_t number = 0; number < most && error == EEXIST; ++number) {
        if (!there_[number]) {
            error = files::rename_no_replace({directory_fd_, path}, {directory_fd_, place_of(number)});
            there_[number] = error == 0 || error == EEXIST;
        }
    }
    return error == 0;
}

void HandshakeReserve::remove(const std::string& path) {
    if (!keep(path)) {
        ::unlinkat(directory_fd_, path.c_str(), 0);
    }
}

std::size_t HandshakeReserve::size() const {
    const std::lock_guard lock(mutex_);
    return there_.count();
}

}  // namespace mistamover::stream
