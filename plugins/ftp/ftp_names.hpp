// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bitset>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mistamover::ftp {

/// What in a name some server or other does not keep: each byte but ASCII letters, digits and "._-", those
/// above 127 apart from themselves where the name is not UTF-8, and a blank or a dot at an end.
using NameMarks = std::bitset<512>;
/// Of one name, without a path.
NameMarks marks_in(std::string_view name);

/// Names for temporary files that show, if each of them is kept, that the marks of `name` are. `front` is
/// plain and makes them unique.
std::vector<std::string> trial_names(std::string_view name, std::string_view front);

/// What has been found out of the names that a server keeps. Safe from several threads.
class KeptNames {
  public:
    enum class Known { kept, changed, nothing };
    [[nodiscard]] Known about(const NameMarks& marks) const;
    void note(const NameMarks& marks, bool kept);

    /// The same of plain names of that length.
    [[nodiscard]] Known about(std::size_t length) const;
    void note(std::size_t length, bool kept);

  private:
    mutable std::mutex mutex_;
    NameMarks kept_;
    std::vector<NameMarks> changed_;  ///< Of each of these, some mark.
    std::size_t longest_kept_ = 32;   ///< So long are those of all temporary files.
    std::size_t shortest_changed_ = static_cast<std::size_t>(-1);
};

}  // namespace mistamover::ftp
