// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <mistamover/status.hpp>

namespace mistamover::rsync {

/// The lines of a text, without their ends.
std::vector<std::string_view> lines_in(std::string_view text);

/// One line of what rsync writes to its error output.
struct Complaint {
    explicit Complaint(std::string_view line);

    std::string text;        ///< With the very names of files.
    int number = 0;          ///< Of the system error that it tells of; 0: of none.
    bool of_source = false;  ///< Else of the target, or of both.
};

/// What an rsync complains of that has sent a part of what it was to send.
class Complaints {
  public:
    /// `temp_dir`: as it was told to rsync.
    Complaints(std::string_view errors, std::string_view temp_dir);

    [[nodiscard]] bool tell_of(int error_number) const;
    /// Why further items would fail as well: what is the machine's, a file system's, or the temporary
    /// directory's. ok where there is no such reason.
    [[nodiscard]] Status of_session() const;
    /// Whether the target denied access to something.
    [[nodiscard]] bool deny_access() const;
    /// Why this item did not arrive, by the line that names it.
    [[nodiscard]] Status of_item(std::string_view path) const;
    /// Why something that need not be named did not arrive.
    [[nodiscard]] Status of_any() const;

  private:
    [[nodiscard]] Status session_failure(const Complaint& complaint) const;

    std::string temp_dir_;
    std::vector<Complaint> complaints_;
};

}  // namespace mistamover::rsync
