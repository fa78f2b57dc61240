// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "disk_space/deletion_plan.hpp"
#include "files/directory_names.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::disk_space {

/// Whether a process has a file open: to delete it would free nothing now.
enum class Use : std::uint8_t { none, open, unknown, gone };

/// Unknown where the kernel does not tell: no leases, not the owner, no plain file. Gone: it is not there.
Use use_of(int directory_fd, const std::string& name);

/// Whether what changed last at `changed_ns` may be deleted at `at_ns` although its use is unknown. Pure.
bool is_long_unchanged(std::int64_t changed_ns, std::int64_t at_ns);

/// Whether what is used so, and changed last at `changed_ns`, may be deleted now.
bool allows_deletion(Use use, std::int64_t changed_ns);

/// The later one of its contents' and its own.
std::int64_t last_change_ns(const struct stat& info);

/// The directory `name` in `directory_fd`; invalid, with errno, where it cannot be opened, or is none.
/// Follows no link and crosses no mount.
process::UniqueFd open_inside(int directory_fd, const std::string& name);

/// Looks through the directory `name` in `directory_fd`, in steps: for what it would free, and for what
/// forbids to delete it. Follows no link and crosses no mount. Keeps one directory open a level, and no
/// names.
class TreeLook {
  public:
    TreeLook(int directory_fd, const std::string& name);

    /// Looks on, as long as there is time; false: to be called again, for it goes on from there.
    bool go_on(const TimeLeft& time_left);
    /// What it would free. Nothing where something in it is in use, cannot be looked at, or lies on another
    /// file system: then it may not be deleted.
    [[nodiscard]] const std::optional<Gain>& gain() const noexcept { return gain_; }
    /// Whether something has vanished before it was looked at: then somebody is at work in it.
    [[nodiscard]] bool has_changed() const noexcept { return has_changed_; }

  private:
    void look_at_next();
    void look_at_file(int directory_fd, const std::string& name, const struct stat& info);
    void enter(int directory_fd, const std::string& name);
    void note_failure(int error);
    void add(const struct stat& info);

    std::vector<files::DirectoryReader> path_;  ///< Down to the directory in hand.
    std::optional<Gain> gain_ = Gain{};
    bool has_changed_ = false;
};

}  // namespace mistamover::disk_space
