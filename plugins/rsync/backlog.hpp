// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace mistamover::rsync {

/// How much of what an rsync has read the other end may still have to work on. rsync prints the line of a
/// file when it begins to send it, and what is on its way between the two ends is limited: so what lies
/// before the file that the other end may be at is done.
class Backlog {
  public:
    /// More than the pipes, sockets and programs between two ends hold.
    static constexpr std::uint64_t most_on_its_way = 128UL * 1024 * 1024;

    /// The line of a file was printed.
    void note_line() noexcept { line_printed_ = true; }
    /// So many bytes have been read since the start. To be told now and then: where among those since the
    /// last call the lines were that have been noted meanwhile is not known.
    void note_read(std::uint64_t bytes) noexcept;
    /// All that has been read, where no line was ever noted.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return read_ - done_; }

  private:
    // What had been read, at least and at most, when a line was printed.
    struct Line {
        std::uint64_t least = 0;
        std::uint64_t most = 0;
    };
    bool line_printed_ = false;
    std::uint64_t read_ = 0;
    std::uint64_t done_ = 0;
    Line next_;  ///< All before it is done once enough has been read behind it.
    Line last_;
};

}  // namespace mistamover::rsync
