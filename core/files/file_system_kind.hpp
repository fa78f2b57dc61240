// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace mistamover::files {

/// Whether this host's kernel knows of everybody who writes to a file.
enum class FileSystemKind : std::uint8_t {
    local,       ///< It does, and a file's times are by its clock.
    shared,      ///< It does not: other hosts may write, or a daemon, and the times may be by their clocks.
    delegating,  ///< Likewise; and a lease is refused, too, where the server has promised nothing (NFS, SMB).
};

/// By the `f_type` of statfs(2). Pure.
FileSystemKind kind_of_magic(std::uint32_t magic) noexcept;

/// Of what is open as `fd`; `shared` where that cannot be told.
FileSystemKind file_system_kind(int fd) noexcept;

/// Of the entry `path`, which was just seen on `device`: the kernel is asked once a second and thread, as
/// long as the device is the same. `shared` where it cannot be told, or is another one now.
FileSystemKind file_system_kind(int directory_fd, const char* path, std::uint64_t device) noexcept;

}  // namespace mistamover::files
