// SPDX-License-Identifier: BSD-3-Clause
#include "files/file_system_kind.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

// Not every <linux/magic.h> has them all.
constexpr std::array<std::uint32_t, 4> delegating_magics{
    0x00006969,  // NFS
    0x0000517B,  // SMB, of old kernels
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2 and later
};
constexpr std::array<std::uint32_t, 20> shared_magics{
    0x65735546,  // FUSE, virtiofs
    0x00C36400,  // Ceph
    0x01021997,  // 9p
    0x5346414F,  // OpenAFS
    0x6B414653,  // AFS
    0x73757245,  // Coda
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x19830326,  // BeeGFS
    0x20030528,  // OrangeFS
    0xAAD7AAEA,  // PanFS
    0x013111A8,  // IBRIX
    0xBEEFDEAD,  // StorNext
    0x01161970,  // GFS2
    0x7461636F,  // OCFS2
    0x61636673,  // ACFS
    0xA501FCF5,  // VxFS
    0x786F4256,  // VirtualBox' shared folders
    0xBACBACBC,  // VMware's
    0x7C7C6673,  // Parallels'
};

/// Device numbers are given anew after an unmount.
constexpr std::chrono::seconds remembered_for{1};

template <std::size_t count>
bool has(const std::array<std::uint32_t, count>& magics, std::uint32_t magic) {
    return std::find(magics.begin(), magics.end(), magic) != magics.end();
}

}  // namespace

FileSystemKind kind_of_magic(std::uint32_t magic) noexcept {
    return has(delegating_magics, magic) ? FileSystemKind::delegating
           : has(shared_magics, magic)   ? FileSystemKind::shared
                                         : FileSystemKind::local;
}

FileSystemKind file_system_kind(int fd) noexcept {
    struct statfs info {};
    return ::fstatfs(fd, &info) == 0 ? kind_of_magic(static_cast<std::uint32_t>(info.f_type))
                                     : FileSystemKind::shared;
}

FileSystemKind file_system_kind(int directory_fd, const char* path, std::uint64_t device) noexcept {
    using Clock = std::chrono::steady_clock;
    struct Known {
        std::uint64_t device = 0;
        FileSystemKind kind = FileSystemKind::shared;
        Clock::time_point until = Clock::time_point::min();
    };
    thread_local Known known;
    const Clock::time_point now = Clock::now();
    if (device == known.device && now < known.until) {
        return known.kind;
    }
    const process::UniqueFd entry(::openat(directory_fd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!entry.valid() || ::fstat(entry.get(), &info) != 0 || info.st_dev != device) {
        return FileSystemKind::shared;
    }
    known = {device, file_system_kind(entry.get()), now + remembered_for};
    return known.kind;
}

}  // namespace mistamover::files
