// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mistamover::arrivals {

/// The endings of the three handshake files, without their dots.
struct Extensions {
    std::string control;
    std::string receipt;
    std::string thankyou;
};

/// ".NAME.EXTENSION". The part NAME is cut, and made unique again by a hash of the whole, where the result
/// would be too long for a file name. Pure, as is everything here.
std::string control_name(std::string_view data_name, std::string_view extension);
/// ".NAME.<seconds.hundredths>.EXTENSION": a receipt's or a thank-you's.
std::string stamped_name(std::string_view data_name, std::chrono::system_clock::time_point when,
                         std::string_view extension);

/// Whether the name is a dot-file's with this extension behind a dot.
bool has_extension(std::string_view name, std::string_view extension) noexcept;

/// Whether a peer may name a file so: one element of a path, no NUL, no newline, not too long, and not "." or
/// "..".
bool is_plain_name(std::string_view name) noexcept;
/// Whether a data file may have that name: a plain name without a dot in front, which units never have.
bool is_data_name(std::string_view name) noexcept;
/// Whether a peer may have a file of this name written or deleted that is part of a handshake itself: a plain
/// dot-file that is neither taken for one of the other two kinds, `others`, nor for `stop_file`.
bool is_answer_name(std::string_view name, std::string_view stop_file, std::string_view other,
                    std::string_view another) noexcept;

}  // namespace mistamover::arrivals
