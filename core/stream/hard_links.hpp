// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <utility>

#include "process/unique_fd.hpp"
#include "stream/manifest.hpp"

namespace mistamover::stream {

/// Files of several names, one of which was removed here: that has changed the time of change of the others,
/// which are to be deleted, too. Remembers which time came of it, and no more than `most` files at once: one
/// that is forgotten counts as changed. Where a server has the files, which would keep a name as long as it
/// is looked at, any time may have come of it. Safe from several threads.
class HardLinks {
  public:
    static constexpr std::size_t default_most = 10'000;
    explicit HardLinks(std::size_t most = default_most) : most_of_each_(most / 2) {}

    /// Of `now`, what has changed since `sent` only because other names were removed here is as it was then.
    [[nodiscard]] Identity as_sent(Identity now, const Identity& sent) const;
    /// The same for all that is in a unit.
    void make_as_sent(Manifest& now, const Manifest& sent) const;
    [[nodiscard]] std::size_t size() const;

    /// The removal of one name, which is no directory's, and has been looked at: `info`.
    class Removal {
      public:
        Removal(HardLinks& links, int directory_fd, const char* name, const struct stat& info);
        /// To be called once the name has gone.
        void done() const;

      private:
        HardLinks& links_;
        Identity before_;
        bool has_other_names_;
        process::UniqueFd file_;  ///< Where they can be looked at by it.
    };

  private:
    static constexpr std::int64_t any_time = INT64_MAX;
    using File = std::pair<std::uint64_t, std::uint64_t>;  ///< Device and inode.
    /// All changes from the one time to the other were removals.
    struct Times {
        std::int64_t first_ns = 0;
        std::int64_t last_ns = 0;
    };
    [[nodiscard]] const Times* find(const File& file) const;
    void removed(const Identity& before, std::int64_t after_ns);
    void forget(const Identity& file);

    const std::size_t most_of_each_;
    mutable std::mutex mutex_;
    std::map<File, Times> newer_;
    std::map<File, Times> older_;  ///< Forgotten together, once there are as many newer ones.
};

}  // namespace mistamover::stream
