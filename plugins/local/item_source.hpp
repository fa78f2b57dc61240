// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <sys/stat.h>

#include <mistamover/border.hpp>

#include "local/tree.hpp"

namespace mistamover::local {

/// The files and symbolic links of one put, as they lie below their root, out of which nothing leads. What it
/// hands out is the item that the core has seen, `found` as it is now. All methods throw StatusError:
/// `source_changed` where it is another one or gone. Used by one thread.
class ItemSource {
  public:
    /// Throws StatusError of session scope where the root cannot be opened.
    explicit ItemSource(std::string_view root) : root_(root, "source directory") {}

    /// Where it lies; valid until the next call.
    Place place(const PutItem& item, struct stat& found);

    /// For reading, which leaves its time of access as it is, where this user may have that.
    FileDescriptor open(const PutItem& item, struct stat& found);

    /// Throws where the file that open has given is no longer what it was `before`.
    static void check_unchanged(const PutItem& item, int file, const struct stat& before);

    /// What the symbolic link holds.
    std::string read_link(const PutItem& item, struct stat& found);

    /// Brings the contents of the file to the disk.
    void sync(const PutItem& item);

  private:
    FileDescriptor open_for_reading(std::string_view path);

    Tree root_;
    bool reading_sets_time_ = false;
};

}  // namespace mistamover::local
