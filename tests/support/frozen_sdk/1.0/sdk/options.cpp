// SPDX-License-Identifier: BSD-3-Clause
#include <charconv>
#include <stdexcept>

#include <mistamover/options.hpp>

namespace mistamover {

Options::Options(std::span<const OptionValue> values) {
    entries_.reserve(values.size());
    for (const OptionValue& value : values) {
        Entry& entry = entries_.emplace_back();
        entry.name = value.name;
        entry.values.assign(value.values.begin(), value.values.end());
    }
}

const Options::Entry* Options::find(std::string_view name) const {
    for (const Entry& entry : entries_) {
        if (entry.name == name) {
            return &entry;
        }
    }
    return nullptr;
}

bool Options::has(std::string_view name) const {
    return find(name) != nullptr;
}

std::optional<std::string> Options::optional_text(std::string_view name) const {
    const Entry* entry = find(name);
    if (entry == nullptr || entry->values.empty()) {
        return std::nullopt;
    }
    return entry->values.front();
}

std::string Options::text(std::string_view name) const {
    std::optional<std::string> value = optional_text(name);
    if (!value) {
        throw std::out_of_range("option " + std::string(name) + " has no value");
    }
    return *value;
}

bool Options::flag(std::string_view name) const {
    return parse_boolean(text(name)).value_or(false);
}

std::optional<std::int64_t> Options::optional_integer(std::string_view name) const {
    const std::optional<std::string> value = optional_text(name);
    if (!value) {
        return std::nullopt;
    }
    std::int64_t number = 0;
    const char* const end = value->data() + value->size();
    const std::from_chars_result read = std::from_chars(value->data(), end, number);
    return read.ec == std::errc{} && read.ptr == end ? std::optional(number) : std::nullopt;
}

std::chrono::milliseconds Options::duration(std::string_view name) const {
    return parse_duration(text(name)).value_or(std::chrono::milliseconds{0});
}

ByteCount Options::size(std::string_view name) const {
    return parse_size(text(name)).value_or(ByteCount{});
}

std::vector<std::string> Options::list(std::string_view name) const {
    const Entry* entry = find(name);
    return entry == nullptr ? std::vector<std::string>{} : entry->values;
}

std::optional<bool> parse_boolean(std::string_view text) {
    if (text == "true" || text == "yes" || text == "on" || text == "1") {
        return true;
    }
    if (text == "false" || text == "no" || text == "off" || text == "0") {
        return false;
    }
    return std::nullopt;
}

}  // namespace mistamover
