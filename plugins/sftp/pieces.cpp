// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/pieces.hpp"

#include <algorithm>

namespace mistamover::sftp {

void Pieces::begin(std::uint64_t offset, std::uint64_t size) {
    const std::lock_guard lock(mutex_);
    next_ = offset;
    confirmed_ = offset;
    size_ = size;
}

std::optional<Piece> Pieces::take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    if (!returned_.empty()) {
        Piece& first = returned_.front();
        const Piece taken{first.offset, std::min(first.size, most)};
        first.offset += taken.size;
        first.size -= taken.size;
        if (first.size == 0) {
            returned_.pop_front();
        }
        return taken;
    }
    if (next_ == size_) {
        return std::nullopt;
    }
    const Piece taken{next_, static_cast<std::size_t>(std::min<std::uint64_t>(size_ - next_, most))};
    next_ += taken.size;
    return taken;
}

void Pieces::confirm(const Piece& piece) {
    const std::lock_guard lock(mutex_);
    beyond_.emplace(piece.offset, piece.offset + piece.size);
    while (!beyond_.empty() && beyond_.begin()->first == confirmed_) {
        confirmed_ = beyond_.begin()->second;
        beyond_.erase(beyond_.begin());
    }
}

void Pieces::give_back(const Piece& piece) {
    const std::lock_guard lock(mutex_);
    returned_.push_back(piece);
}

std::uint64_t Pieces::left() const {
    const std::lock_guard lock(mutex_);
    std::uint64_t bytes = size_ - next_;
    for (const Piece& piece : returned_) {
        bytes += piece.size;
    }
    return bytes;
}

std::uint64_t Pieces::confirmed() const {
    const std::lock_guard lock(mutex_);
    return confirmed_;
}

std::uint64_t Pieces::taken() const {
    const std::lock_guard lock(mutex_);
    return next_;
}

std::uint64_t Pieces::size() const {
    const std::lock_guard lock(mutex_);
    return size_;
}

}  // namespace mistamover::sftp
