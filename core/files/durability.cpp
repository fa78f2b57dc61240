// SPDX-License-Identifier: BSD-3-Clause
#include "files/durability.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

// Writing the whole file system out serves many files at once, but may have to write what others are writing:
// a few files are written one by one.
constexpr std::size_t a_few = 8;

// File systems that write all that is theirs at once, and whose files tell what of them was lost by it. Of a
// remote one only its server can write all of it; and what an overlay's files lost, another one's would tell.
constexpr std::array<std::uint32_t, 5> telling_magics{
    0x0000EF53,  // ext2, ext3, ext4
    0x58465342,  // XFS
    0x9123683E,  // Btrfs
    0xF2F52010,  // F2FS
    0x01021994,  // tmpfs
};

bool tells_of_each_file(int fd) noexcept {
    struct statfs info {};
    return ::fstatfs(fd, &info) == 0 &&
           std::find(telling_magics.begin(), telling_magics.end(), static_cast<std::uint32_t>(info.f_type)) !=
               telling_magics.end();
}

}  // namespace

int write_out(int fd) noexcept {
    return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

// A failure may be that of any file there.
bool write_out_together(int fd, std::size_t count) noexcept {
    return count > a_few && tells_of_each_file(fd) && ::syncfs(fd) == 0;
}

// The kernel keeps a failure with the file until it has told of it. To ask for it flushes nothing, as fsync()
// would, once for each file; here it is that for what the kernel cannot be asked about.
int write_out_rest(int fd) noexcept {
    if (::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) == 0) {
        return 0;
    }
    const bool is_not_answered = errno == ENOSYS || errno == EPERM || errno == ESPIPE;
    return is_not_answered ? write_out(fd) : errno;
}

int write_out(int directory_fd, const std::vector<std::string>& names) {
    const bool together = write_out_together(directory_fd, names.size());
    for (const std::string& name : names) {
        constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
        const process::UniqueFd file(::openat(directory_fd, name.c_str(), flags));
        if (!file.valid()) {
            return errno;
        }
        if (const int error = together ? write_out_rest(file.get()) : write_out(file.get()); error != 0) {
            return error;
        }
    }
    return write_out(directory_fd);
}

}  // namespace mistamover::files
