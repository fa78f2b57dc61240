// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace mistamover::files {

/// Brings to the disk what is open as `fd`: of a file its content, of a directory its names. 0, or the errno;
/// some file systems know no such thing, of a directory above all, which is no failure.
int write_out(int fd) noexcept;

/// Brings to the disk all that is on the file system of `fd`, where that is better than to write so many
/// files, `count`, one by one. False where it was not done: each is to be written by itself then. True tells
/// of no single file: what another writing lost is told of once, to whoever asked then, or never.
bool write_out_together(int fd, std::size_t count) noexcept;

/// What makes it sure, after write_out_together(), that the file open as `fd` is on the disk: 0, or the
/// errno.
int write_out_rest(int fd) noexcept;

/// Brings files of a directory to the disk, and then their names in it. 0, or the errno. Follows no link.
int write_out(int directory_fd, const std::vector<std::string>& names);

}  // namespace mistamover::files
