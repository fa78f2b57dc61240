// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/write_pace.hpp"

#include <utility>

namespace mistamover::sftp {

void PieceSize::answered(Clock::duration interval) {
    constexpr std::chrono::milliseconds fast{100};
    constexpr std::chrono::milliseconds slow{500};
    if (interval < fast) {
        size_ = std::min({2 * size_, largest, most_});
    } else if (interval > slow) {
        size_ = std::min(std::max(size_ / 2, smallest), most_);
    }
}

void SendWindow::answered(std::size_t bytes, Clock::time_point asked, Clock::time_point now) {
    constexpr std::chrono::milliseconds shortest_count{20};
    shortest_ = std::min(shortest_, now - asked);
    if (counted_since_ == Clock::time_point{}) {
        counted_since_ = asked;
    }
    counted_ += bytes;
    const Clock::duration counted_for = now - counted_since_;
    if (counted_for < std::max<Clock::duration>(shortest_count, 2 * shortest_)) {
        return;
    }
    const double held =
        static_cast<double>(counted_) * (std::chrono::duration<double>(shortest_) / counted_for);
    size_ = std::clamp(static_cast<std::size_t>(2 * held), smallest, largest);
    counted_since_ = now;
    counted_ = 0;
}

void WritePace::asked(std::size_t bytes) {
    if (unconfirmed_ == 0) {
        window_.idle();
        last_answer_ = Clock::now();
    }
    unconfirmed_ += bytes;
}

void WritePace::done(std::size_t bytes, Clock::time_point asked) {
    unconfirmed_ -= bytes;
    const auto now = Clock::now();
    window_.answered(bytes, asked, now);
    piece_.answered(now - std::exchange(last_answer_, now));
}

}  // namespace mistamover::sftp
