// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/backlog.hpp"

#include <algorithm>
#include <utility>

namespace mistamover::rsync {

void Backlog::note_read(std::uint64_t bytes) noexcept {
    const std::uint64_t before = std::exchange(read_, std::max(bytes, read_));
    if (std::exchange(line_printed_, false)) {
        last_ = {before, read_};
    }
    if (read_ - next_.most > most_on_its_way) {
        done_ = next_.least;
        next_ = last_;
    }
}

}  // namespace mistamover::rsync
