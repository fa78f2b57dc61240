// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

#include <mistamover/status.hpp>

#include "local/file_descriptor.hpp"

namespace mistamover::local {

/// A directory and the last component of a path in it, for the *at() system calls. Valid until the next call
/// of the Tree that gave it.
struct Place {
    int directory = -1;
    const char* name = "";
};

/// The directory and the last component of a path: "a/b" and "c" of "a/b/c", "" and "c" of "c".
struct SplitPath {
    std::string_view directory;
    std::string_view name;
};
SplitPath split_path(std::string_view path) noexcept;

/// The system's text for an errno.
std::string text_of(int error_number);

/// A directory tree that is entered through its root alone: no path leads out of it, neither by ".." nor
/// through a symbolic link that somebody planted in it. Only the root's own path may contain links. Used by
/// one thread.
class Tree {
  public:
    /// Opens the root. Throws StatusError of session scope, so that the stream recovers by itself once the
    /// directory is there. `what` names it in messages: "target directory".
    Tree(std::string_view root, std::string_view what);

    /// Throws StatusError of session scope where the root's path now leads to another directory, as after an
    /// unmount.
    void check_still_there() const;

    /// The place of `path` (relative to the root; "" and "." are the root itself). Nothing is followed and
    /// nothing made; on failure the directory is -1 and errno says why (EINVAL for a path with "..").
    Place place(std::string_view path);

    /// Opens `path` with O_NOFOLLOW | O_CLOEXEC added to the flags; empty, with errno set, on failure.
    FileDescriptor open(std::string_view path, int flags);

    /// Forgets the directory that the last path was in. Between two calls of a session it may have been
    /// replaced.
    void forget();

    [[nodiscard]] int root() const noexcept { return root_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    int directory(std::string_view path);

    std::string path_;
    std::string what_;
    FileDescriptor root_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
    std::string open_path_;  ///< Of `open_directory_`: most paths of a batch are in one directory.
    FileDescriptor open_directory_;
    std::string name_;
};

}  // namespace mistamover::local
