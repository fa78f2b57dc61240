// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// For modules that read the sources of a put themselves: what is sent must be what the core has seen.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/stat.h>

#include <mistamover/border.hpp>

namespace mistamover {

/// The Status of a system call that failed while `doing` something ("read") to the source `path`; one that is
/// gone is `source_changed`, of item scope. What every source would fail with (its file system is gone, the
/// process is short of something) is of session scope.
Status source_failure(int error_number, std::string_view doing, std::string_view path);

/// `source_changed`, of item scope.
Status source_changed(std::string_view path);

/// Whether the file or symbolic link that was `found` is the one that the core has seen.
bool is_the_item(const struct stat& found, const PutItem& item);

/// Whether a file is what it was. The change time tells too: of a writer that has set the modification time
/// back, and of a name that was replaced while the file was open.
bool is_unchanged(const struct stat& before, const struct stat& now);

/// What the symbolic link `name` in an open directory holds, `found` as it is now; throws StatusError:
/// `source_changed` where it is not the item.
std::string read_source_link(int directory, const char* name, const PutItem& item, struct stat& found);

/// The directory that holds the sources of one put. Throws StatusError, of session scope, where it cannot be
/// opened.
class SourceRoot {
  public:
    explicit SourceRoot(std::string_view path);
    SourceRoot(const SourceRoot&) = delete;
    SourceRoot& operator=(const SourceRoot&) = delete;
    ~SourceRoot();
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    /// What the symbolic link holds; throws StatusError: `source_changed` where it is not the item.
    [[nodiscard]] std::string read_link(const PutItem& item) const;

  private:
    int descriptor_;
};

/// A source that is being read: exactly the file that the core has seen. Used by one thread at a time;
/// only read() may be called by several at once.
class SourceFile {
  public:
    /// Throws StatusError: `source_changed` where it is not the item.
    SourceFile(const SourceRoot& root, const PutItem& item);
    SourceFile(const SourceFile&) = delete;
    SourceFile& operator=(const SourceFile&) = delete;
    ~SourceFile();

    /// Fills all of `size` bytes, with zeros where there is less. The Status of what kept it from reading.
    Status read(std::uint64_t offset, char* to, std::size_t size);
    /// ok, or `source_changed` where it is no longer what it was when it was opened.
    [[nodiscard]] Status check_unchanged() const;
    /// Another text for every other file, and for every other state of this one.
    [[nodiscard]] std::string identity() const;

  private:
    int descriptor_ = -1;
    std::string path_;
    struct stat found_ = {};
};

}  // namespace mistamover
