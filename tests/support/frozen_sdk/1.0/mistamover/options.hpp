// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/units.hpp>

namespace mistamover {

enum class OptionType : std::uint8_t { boolean, integer, duration, size, path, enumeration, list, string };

/// One key of a plugin's section of the configuration. A plugin declares an array of these with static
/// storage; from it come validation, defaults, `plugins info` and the README's table.
struct OptionSpec {
    const char* name;
    OptionType type;
    const char* default_value;      ///< As it would be written in the file; nullptr where there is none.
    const char* help;               ///< One line.
    const char* choices = nullptr;  ///< `enumeration` only: "ssh|daemon|local".
    bool required = false;
    bool secret = false;  ///< Never shown; the file that sets it must be readable by its owner only.
};

/// One option as the core hands it over: checked against the schema, defaults filled in. Durations and sizes
/// are as written (use Options to read them). A list has any number of values, everything else has one.
struct OptionValue {
    std::string_view name;
    std::span<const std::string_view> values;
};

/// Typed access to a module's options, which it copies. Options without a value and without a default are
/// absent. The accessors without `std::optional` throw std::out_of_range on an absent option: for those with
/// a default.
class Options {
  public:
    Options() = default;
    explicit Options(std::span<const OptionValue> values);

    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> optional_text(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    [[nodiscard]] std::optional<std::int64_t> optional_integer(std::string_view name) const;
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const;
    [[nodiscard]] ByteCount size(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view name) const;

  private:
    struct Entry {
        std::string name;
        std::vector<std::string> values;
    };
    [[nodiscard]] const Entry* find(std::string_view name) const;

    std::vector<Entry> entries_;
};

/// True, false or nothing for "true/yes/on/1", "false/no/off/0" and anything else.
std::optional<bool> parse_boolean(std::string_view text);

}  // namespace mistamover
