// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The three text files of the arrivals protocol: a line a member, in the order below, between a first and a
/// last line that tell the kind. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mistamover::arrivals {

/// A handshake file that is longer than this is none.
inline constexpr std::size_t handshake_file_limit = 4096;

enum class ReceiptStatus : std::uint8_t { success, bad_size, bad_checksum, io_error, no_such_file };

struct Control {
    std::string data_name;
    std::uint64_t size = 0;  ///< Bytes.
    std::string checksum;    ///< As on the wire: see checksum_form.hpp.
    std::string receipt_name;
    bool operator==(const Control&) const = default;
};

struct Receipt {
    std::string data_name;
    ReceiptStatus status = ReceiptStatus::success;
    std::optional<std::uint64_t> size;  ///< What arrived; nothing: it could not be told.
    std::string checksum;               ///< Of what arrived; empty: it was not computed.
    std::string thankyou_name;
    bool operator==(const Receipt&) const = default;
};

struct ThankYou {
    std::string receipt_name;
    bool operator==(const ThankYou&) const = default;
};

/// Nothing where the text is not such a file. The names are as they stand there: not trusted yet
/// (handshake_names.hpp).
std::optional<Control> parse_control(std::string_view text);
std::optional<Receipt> parse_receipt(std::string_view text);
std::optional<ThankYou> parse_thank_you(std::string_view text);

/// The texts; no field may hold a newline.
std::string to_text(const Control& control);
std::string to_text(const Receipt& receipt);
std::string to_text(const ThankYou& thank_you);

/// "bad checksum" and so on, for people.
std::string_view to_string(ReceiptStatus status) noexcept;

}  // namespace mistamover::arrivals
