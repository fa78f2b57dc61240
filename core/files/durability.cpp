// SPDX-License-Identifier: BSD-3-Clause
#include "files/durability.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "files/file_system_kind.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

// Writing the whole file system out serves many files at once, but may have to write what others are writing:
// a few files are written one by one.
constexpr std::size_t a_few = 8;

}  // namespace

int write_out(int fd) noexcept {
    return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

// Of a remote file system only its server can write all of it. A failure may be that of any file there.
bool write_out_together(int fd, std::size_t count) noexcept {
    return count > a_few && file_system_kind(fd) == FileSystemKind::local && ::syncfs(fd) == 0;
}

int write_out(int directory_fd, const std::vector<std::string>& names) {
    if (write_out_together(directory_fd, names.size())) {
        return 0;
    }
    for (const std::string& name : names) {
        constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
        const process::UniqueFd file(::openat(directory_fd, name.c_str(), flags));
        if (const int error = file.valid() ? write_out(file.get()) : errno; error != 0) {
            return error;
        }
    }
    return write_out(directory_fd);
}

}  // namespace mistamover::files
