// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <bitset>
#include <cstddef>
#include <mutex>
#include <string>

namespace mistamover::stream {

/// Files of one block each that were made while there was room: on a full disk they become what a handshake
/// must write, so that sending goes on, which makes room. They lie beside the drafts of handshake files, all
/// of which have dot-names. One for all threads of a stream, and safe from them.
class HandshakeReserve {
  public:
    static constexpr std::size_t most = 64;
    /// In the stream's directory.
    static constexpr char directory_name[] = ".mistamover-handshake";

    explicit HandshakeReserve(int directory_fd) : directory_fd_(directory_fd) {}

    /// Makes what is missing, as far as there is room.
    void fill();
    /// Gives one of them, whatever it holds, the name `path` in the stream's directory, in the place of what
    /// has that name. False, with errno ENOSPC, where none is left.
    bool take(const std::string& path);
    /// Removes a file of a handshake; where one is missing, it becomes that instead.
    void remove(const std::string& path);
    [[nodiscard]] std::size_t size() const;

    /// Whether the disk had room for nothing else when that was last tried.
    void note_disk(bool is_full) noexcept { disk_is_full_ = is_full; }
    [[nodiscard]] bool disk_is_full() const noexcept { return disk_is_full_; }

  private:
    [[nodiscard]] bool make(std::size_t number) const;
    [[nodiscard]] bool keep(const std::string& path);

    int directory_fd_;
    mutable std::mutex mutex_;
    std::bitset<most> there_;  ///< As far as is known.
    std::atomic<bool> disk_is_full_{false};
};

}  // namespace mistamover::stream
