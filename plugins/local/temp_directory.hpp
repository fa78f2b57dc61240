// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "local/tree.hpp"

namespace mistamover::local {

/// The directory of the stream's temporary files in the target, made when the first one is needed, and made
/// again should it vanish. Names are unique among all sessions and processes and have nothing of the final
/// name in them, which may be as long as a name can be. Used by one thread.
class TempDirectory {
  public:
    /// `path` is the stream's, relative to the tree, which must outlive this.
    TempDirectory(Tree& tree, std::string_view path);
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;
    ~TempDirectory();

    /// An empty new file of mode 0600, open for writing; no descriptor, with errno set, on failure. `name` is
    /// its name in descriptor().
    FileDescriptor create_file(std::string& name);

    /// A new symbolic link; false with errno set on failure.
    bool create_link(const char* content, std::string& name);

    /// Removes the directory again, unless something is in it.
    void leave();

    [[nodiscard]] int descriptor() const noexcept { return directory_.get(); }

  private:
    template <typename Attempt>
    int create(std::string& name, const Attempt& attempt);
    bool make(const std::string& path);
    void remove(const std::string& path);
    bool enter();

    Tree& tree_;
    std::string shared_path_;
    std::string own_path_;
    FileDescriptor directory_;
    std::uint64_t next_ = 0;
};

}  // namespace mistamover::local
