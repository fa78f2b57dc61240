// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>

namespace mistamover::sftp {

/// A part of a file, in bytes.
struct Piece {
    std::uint64_t offset = 0;
    std::size_t size = 0;
};

/// What of one file is still to be sent, and what the server has said it has. Each piece is taken by one
/// connection. Safe from several threads.
class Pieces {
  public:
    /// The bytes from `offset` to `size` are to be sent; the server has those before. Once, before all else.
    void begin(std::uint64_t offset, std::uint64_t size);
    /// The next piece of at most so many bytes; nothing where all are taken.
    std::optional<Piece> take(std::size_t most);
    void confirm(const Piece& piece);
    /// It has not been sent, or nobody knows: somebody is to take it again.
    void give_back(const Piece& piece);
    [[nodiscard]] std::uint64_t left() const;
    /// Bytes from the start that the server has said it has, without a gap.
    [[nodiscard]] std::uint64_t confirmed() const;
    /// Nothing from here on has ever been taken.
    [[nodiscard]] std::uint64_t taken() const;
    /// Of the file.
    [[nodiscard]] std::uint64_t size() const;

  private:
    mutable std::mutex mutex_;
    std::uint64_t next_ = 0;
    std::uint64_t size_ = 0;
    std::deque<Piece> returned_;
    std::uint64_t confirmed_ = 0;
    std::map<std::uint64_t, std::uint64_t> beyond_;  ///< Confirmed behind a gap: where each begins and ends.
};

}  // namespace mistamover::sftp
