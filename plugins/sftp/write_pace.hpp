// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace mistamover::sftp {

/// How much to ask for in one write: more where answers come fast, less where they come slowly, so that a
/// slow line, however slow, is seen to be alive. Pure: takes the time as an argument.
class PieceSize {
  public:
    using Clock = std::chrono::steady_clock;

    /// `most`: what the server takes.
    explicit PieceSize(std::size_t most) : most_(most), size_(std::min(most, first)) {}
    [[nodiscard]] std::size_t bytes() const noexcept { return size_; }
    /// A write was answered, and the answer before it came `interval` earlier.
    void answered(Clock::duration interval);

  private:
    static constexpr std::size_t first = 32UL * 1024;
    static constexpr std::size_t smallest = 4UL * 1024;
    static constexpr std::size_t largest = 256UL * 1024;

    std::size_t most_;
    std::size_t size_;
};

/// How many bytes may be on their way without an answer: twice what the line holds by its shortest time to an
/// answer and its rate. As long as the window is what limits the rate, it grows by that. More would only wait
/// at the server, whose sshd needs time for every byte that it has to keep. Pure: takes the time as an
/// argument.
class SendWindow {
  public:
    using Clock = PieceSize::Clock;

    [[nodiscard]] std::size_t bytes() const noexcept { return size_; }
    /// Nothing is on its way: the time until the next write says nothing of the line.
    void idle() {
        counted_since_ = {};
        counted_ = 0;
    }
    /// A write of so many bytes, asked for at `asked`, was answered.
    void answered(std::size_t bytes, Clock::time_point asked, Clock::time_point now);

  private:
    static constexpr std::size_t smallest = 256UL * 1024;
    static constexpr std::size_t largest = 4UL * 1024 * 1024;

    std::size_t size_ = smallest;
    Clock::duration shortest_ = Clock::duration::max();
    Clock::time_point counted_since_{};
    std::size_t counted_ = 0;
};

/// How the writes on one connection follow each other: how much each asks for, and whether one more may be on
/// its way. Used by one thread.
class WritePace {
  public:
    using Clock = PieceSize::Clock;

    /// `most`: what the server takes in one write.
    explicit WritePace(std::size_t most) : piece_(most) {}
    [[nodiscard]] bool has_room() const noexcept { return unconfirmed_ < window_.bytes(); }
    [[nodiscard]] std::size_t piece() const noexcept { return piece_.bytes(); }
    /// A write of so many bytes is asked for now.
    void asked(std::size_t bytes);
    /// One that was asked for at `asked` has been done now.
    void done(std::size_t bytes, Clock::time_point asked);
    void refused(std::size_t bytes) noexcept { unconfirmed_ -= bytes; }

  private:
    PieceSize piece_;
    SendWindow window_;
    Clock::time_point last_answer_;
    std::size_t unconfirmed_ = 0;  ///< Bytes.
};

}  // namespace mistamover::sftp
