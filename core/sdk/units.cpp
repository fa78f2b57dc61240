// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <mistamover/units.hpp>

namespace mistamover {
namespace {

struct NumberAndUnit {
    double number;
    std::string_view unit;
};

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<NumberAndUnit> split(std::string_view text) {
    text = trim(text);
    // from_chars would read "nan" and "inf" too.
    if (text.empty() || text.front() < '0' || text.front() > '9') {
        return std::nullopt;
    }
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    return NumberAndUnit{number, trim(text.substr(static_cast<std::size_t>(end - text.data())))};
}

struct Unit {
    std::string_view name;
    double factor;
};

template <std::size_t N>
std::optional<double> factor_of(const std::array<Unit, N>& units, std::string_view name) {
    for (const Unit& unit : units) {
        if (unit.name == name) {
            return unit.factor;
        }
    }
    return std::nullopt;
}

constexpr std::array duration_units{
    Unit{"ms", 1},         Unit{"s", 1000},         Unit{"sec", 1000},        Unit{"m", 60'000},
    Unit{"min", 60'000},   Unit{"h", 3'600'000},    Unit{"hour", 3'600'000},  Unit{"hours", 3'600'000},
    Unit{"d", 86'400'000}, Unit{"day", 86'400'000}, Unit{"days", 86'400'000},
};

constexpr std::array size_units{
    Unit{"B", 1},
    Unit{"k", 1e3},
    Unit{"kB", 1e3},
    Unit{"KB", 1e3},
    Unit{"K", 1e3},
    Unit{"M", 1e6},
    Unit{"MB", 1e6},
    Unit{"G", 1e9},
    Unit{"GB", 1e9},
    Unit{"T", 1e12},
    Unit{"TB", 1e12},
    Unit{"Ki", 1024.0},
    Unit{"KiB", 1024.0},
    Unit{"Mi", 1048576.0},
    Unit{"MiB", 1048576.0},
    Unit{"Gi", 1073741824.0},
    Unit{"GiB", 1073741824.0},
    Unit{"Ti", 1099511627776.0},
    Unit{"TiB", 1099511627776.0},
};

// 100 years: in nanoseconds, as clocks count, a sum of two still fits in 64 bits.
constexpr double longest_duration = 36'500.0 * 86'400'000;
constexpr double largest_size = 9e18;

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                        std::chrono::milliseconds bare_unit) {
    const auto parts = split(text);
    if (!parts) {
        return std::nullopt;
    }
    const auto factor = parts->unit.empty() ? std::optional(static_cast<double>(bare_unit.count()))
                                            : factor_of(duration_units, parts->unit);
    if (!factor || parts->number * *factor > longest_duration) {
        return std::nullopt;
    }
    return std::chrono::milliseconds{std::llround(parts->number * *factor)};
}

std::optional<ByteCount> parse_size(std::string_view text, ByteCount bare_unit) {
    const auto parts = split(text);
    if (!parts) {
        return std::nullopt;
    }
    const auto factor = parts->unit.empty() ? std::optional(static_cast<double>(bare_unit.bytes))
                                            : factor_of(size_units, parts->unit);
    if (!factor || parts->number * *factor > largest_size) {
        return std::nullopt;
    }
    return ByteCount{static_cast<std::uint64_t>(std::llround(parts->number * *factor))};
}

std::string format_duration(std::chrono::milliseconds duration) {
    const std::int64_t count = duration.count();
    if (count != 0 && count % 60'000 == 0) {
        return std::to_string(count / 60'000) + "min";
    }
    if (count % 1000 == 0) {
        return std::to_string(count / 1000) + "s";
    }
    return std::to_string(count) + "ms";
}

std::string format_size(ByteCount size) {
    constexpr std::array<const char*, 5> names{"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(size.bytes);
    std::size_t index = 0;
    while (value >= 999.5 && index + 1 < names.size()) {
        value /= 1000;
        ++index;
    }
    std::array<char, 32> buffer{};
    std::snprintf(buffer.data(), buffer.size(),
                  index == 0 || value >= 99.95 ? "%.0f%s"
                  : value >= 9.995             ? "%.1f%s"
                                               : "%.2f%s",
                  value, names.at(index));
    return buffer.data();
}

}  // namespace mistamover
