// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_names.hpp"

#include <array>
#include <cstdio>

#include "files/handshake_name.hpp"

namespace mistamover::arrivals {

std::string control_name(std::string_view data_name, std::string_view extension) {
    return files::handshake_name(data_name, '.' + std::string(extension));
}

std::string stamped_name(std::string_view data_name, std::chrono::system_clock::time_point when,
                         std::string_view extension) {
    const auto hundredths =
        std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count() / 10;
    std::array<char, 32> stamp{};
    std::snprintf(stamp.data(), stamp.size(), ".%lld.%02lld.", static_cast<long long>(hundredths / 100),
                  static_cast<long long>(hundredths % 100));
    return files::handshake_name(data_name, stamp.data() + std::string(extension));
}

bool has_extension(std::string_view name, std::string_view extension) noexcept {
    return name.size() > extension.size() + 1 && name.front() == '.' && name.ends_with(extension) &&
           name[name.size() - extension.size() - 1] == '.';
}

bool is_plain_name(std::string_view name) noexcept {
    constexpr std::string_view never("/\n\0", 3);
    return !name.empty() && name.size() <= files::longest_name && name != "." && name != ".." &&
           name.find_first_of(never) == std::string_view::npos;
}

bool is_data_name(std::string_view name) noexcept {
    return is_plain_name(name) && name.front() != '.';
}

bool is_answer_name(std::string_view name, std::string_view stop_file, std::string_view other,
                    std::string_view another) noexcept {
    return is_plain_name(name) && name.front() == '.' && name != stop_file && !has_extension(name, other) &&
           !has_extension(name, another);
}

}  // namespace mistamover::arrivals
