// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// For modules that go on with a file where a broken connection has stopped. The core empties the stream's
/// directory of temporary files at start, after a session has failed, and when there is nothing more to send.
/// After a failure it spares the files whose names begin with resumable_prefix, where the next session has
/// Capability::resume.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace mistamover {

inline constexpr std::string_view resumable_prefix = "resume.";

/// A temporary file at the target, with the start of a source in it.
struct Leftover {
    std::string temp_name;        ///< Its file name begins with resumable_prefix.
    std::string source_identity;  ///< SourceFile::identity() of what was being sent.
    std::uint64_t confirmed = 0;  ///< Bytes from the start that the server has said it has.
    bool broke_a_look = false;    ///< The connection broke while it was being compared with its source.
};

/// What the broken connections of one module have left, by the name that each file was to get. Only what this
/// process has sent itself is known here. Safe from several threads.
class Leftovers {
  public:
    /// Replaces what was kept of this name before; the core removes the temporary file of that once nothing
    /// is left to send.
    void keep(const std::string& target, Leftover leftover);
    /// The caller's from now on: to go on with, or to remove where it is of another source.
    std::optional<Leftover> take(const std::string& target);

  private:
    std::mutex mutex_;
    std::map<std::string, Leftover> by_target_;
};

/// Where to go on after `confirmed` bytes: some way back, because a server that went down may have lost what
/// it had confirmed last.
std::uint64_t resume_offset(std::uint64_t confirmed) noexcept;

}  // namespace mistamover
