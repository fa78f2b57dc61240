// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_files.hpp"

#include <array>
#include <charconv>

namespace mistamover::arrivals {
namespace {

constexpr std::string_view control_begin = "_start_stager_ctrl_data_";
constexpr std::string_view control_end = "_end_stager_ctrl_data_";
constexpr std::string_view receipt_begin = "_start_stager_receipt_data_";
constexpr std::string_view receipt_end = "_end_stager_receipt_data_";
constexpr std::string_view thankyou_begin = "_start_stager_thankyou_";
constexpr std::string_view thankyou_end = "_end_stager_thankyou_";

// Exactly `Count` lines between the magic ones.
template <std::size_t Count>
std::optional<std::array<std::string_view, Count>> lines_between(std::string_view text,
                                                                 std::string_view begin,
                                                                 std::string_view end) {
    if (text.size() > handshake_file_limit) {
        return std::nullopt;
    }
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    std::array<std::string_view, Count + 2> lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const bool is_last = i + 1 == lines.size();
        const std::size_t line_end = text.find('\n');
        if (is_last != (line_end == std::string_view::npos)) {
            return std::nullopt;
        }
        lines[i] = text.substr(0, line_end);
        text.remove_prefix(is_last ? text.size() : line_end + 1);
    }
    if (lines.front() != begin || lines.back() != end) {
        return std::nullopt;
    }
    std::array<std::string_view, Count> inner;
    std::copy(lines.begin() + 1, lines.end() - 1, inner.begin());
    return inner;
}

// A number as the Python tool reads it: blanks around it and a plus sign do no harm.
template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    text = text.substr(first, text.find_last_not_of(blanks) + 1 - first);
    if (text.starts_with('+')) {
        text.remove_prefix(1);
        if (text.starts_with('-')) {
            return std::nullopt;
        }
    }
    Number number{};
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) {
        return std::nullopt;
    }
    return number;
}

void add_line(std::string& text, std::string_view line) {
    text += line;
    text += '\n';
}

}  // namespace

std::optional<Control> parse_control(std::string_view text) {
    const auto lines = lines_between<4>(text, control_begin, control_end);
    const auto size = lines ? number_in<std::uint64_t>((*lines)[1]) : std::nullopt;
    if (!size) {
        return std::nullopt;
    }
    return Control{std::string((*lines)[0]), *size, std::string((*lines)[2]), std::string((*lines)[3])};
}

std::optional<Receipt> parse_receipt(std::string_view text) {
    const auto lines = lines_between<5>(text, receipt_begin, receipt_end);
    if (!lines) {
        return std::nullopt;
    }
    const auto status = number_in<unsigned>((*lines)[1]);
    if (!status || *status > static_cast<unsigned>(ReceiptStatus::no_such_file)) {
        return std::nullopt;
    }
    const auto size = number_in<std::uint64_t>((*lines)[2]);
    if (!size && number_in<std::int64_t>((*lines)[2]) != -1) {
        return std::nullopt;
    }
    return Receipt{std::string((*lines)[0]), static_cast<ReceiptStatus>(*status), size,
                   std::string((*lines)[3]), std::string((*lines)[4])};
}

std::optional<ThankYou> parse_thank_you(std::string_view text) {
    const auto lines = lines_between<1>(text, thankyou_begin, thankyou_end);
    return lines ? std::optional(ThankYou{std::string((*lines)[0])}) : std::nullopt;
}

std::string to_text(const Control& control) {
    std::string text;
    add_line(text, control_begin);
    add_line(text, control.data_name);
    add_line(text, std::to_string(control.size));
    add_line(text, control.checksum);
    add_line(text, control.receipt_name);
    add_line(text, control_end);
    return text;
}

std::string to_text(const Receipt& receipt) {
    std::string text;
    add_line(text, receipt_begin);
    add_line(text, receipt.data_name);
    add_line(text, std::to_string(static_cast<unsigned>(receipt.status)));
    add_line(text, receipt.size ? std::to_string(*receipt.size) : "-1");
    add_line(text, receipt.checksum);
    add_line(text, receipt.thankyou_name);
    add_line(text, receipt_end);
    return text;
}

std::string to_text(const ThankYou& thank_you) {
    std::string text;
    add_line(text, thankyou_begin);
    add_line(text, thank_you.receipt_name);
    add_line(text, thankyou_end);
    return text;
}

std::string_view to_string(ReceiptStatus status) noexcept {
    constexpr std::array<std::string_view, 5> names{"success", "bad size", "bad checksum", "I/O error",
                                                    "no such data file"};
    return names.at(static_cast<std::size_t>(status));
}

}  // namespace mistamover::arrivals
