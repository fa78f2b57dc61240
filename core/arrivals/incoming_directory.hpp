// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "process/unique_fd.hpp"

namespace mistamover::arrivals {

/// What tells whether a file is still the one that was looked at.
struct FileIdentity {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    bool is_file = false;  ///< A regular file.
    bool operator==(const FileIdentity&) const = default;
};

/// A directory of which only entries are touched: every name is one element of a path, taken relative to the
/// directory's descriptor, and no link is followed. Throws std::system_error where the directory itself
/// cannot be used.
class Directory {
  public:
    /// Makes it where it is missing.
    explicit Directory(const std::filesystem::path& path);
    /// The directory `name` in `parent`, made where it is missing; a link of that name is refused.
    Directory(const Directory& parent, const std::string& name);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] std::uint64_t device() const noexcept { return device_; }
    /// By which mount it was reached: nothing is renamed from one to another, even of one file system.
    /// Nothing where the kernel does not tell.
    [[nodiscard]] std::optional<std::uint64_t> mount() const noexcept { return mount_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// Its path leads to it, and not to another one, or nowhere: who goes by the path finds what is put here.
    [[nodiscard]] bool is_still_there() const noexcept;
    /// It is this user's, and nobody else may write to it.
    [[nodiscard]] bool is_private() const noexcept;
    /// On a file system whose changes the kernel may not hear of (NFS, SMB, FUSE).
    [[nodiscard]] bool is_remote() const noexcept;

    /// Every entry but "." and "..".
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::optional<FileIdentity> look(const std::string& name) const;
    struct SmallFile {
        std::optional<FileIdentity> identity;  ///< Nothing where nothing is there.
        std::optional<std::string> text;       ///< Nothing where it cannot be read.
        int passing_error = 0;                 ///< Where that may pass, the errno that tells why.
    };
    /// A regular file of at most `limit` bytes, as a whole.
    [[nodiscard]] SmallFile open_small(const std::string& name, std::size_t limit) const;
    [[nodiscard]] std::optional<std::string> read_small(const std::string& name, std::size_t limit) const {
        return open_small(name, limit).text;
    }
    /// A new file with this content, in the place of one of that name; false where it cannot be written,
    /// whereupon there is none, and errno tells why.
    [[nodiscard]] bool write(const std::string& name, const std::string& content) const;
    /// Removes a file or a link; false where it stays.
    bool remove(const std::string& name) const noexcept;

  private:
    void check();

    process::UniqueFd fd_;
    std::uint64_t device_ = 0;
    std::optional<std::uint64_t> mount_;
    std::string path_;
};

/// How long ago the file was written to or got its name, by the system's clock. Not by its modification time,
/// which its sender can choose.
std::chrono::milliseconds age_of(const FileIdentity& file);

}  // namespace mistamover::arrivals
