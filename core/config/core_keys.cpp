// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <string_view>

#include "config/keys.hpp"

namespace mistamover::config {
namespace {

using enum OptionType;

struct Limits {
    bool bare_megabytes = false;
    bool above_zero = false;
    bool file_name = false;
    bool dot_name = false;
    bool whole_program = false;
    bool secret = false;
    bool paths = false;
    std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
    std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
};

struct KeySpec {
    const char* section;
    const char* name;
    OptionType type;
    const char* default_value = nullptr;
    std::string_view choices = {};
    Limits limits = {};
};

constexpr Limits program_wide{.whole_program = true};
constexpr Limits not_zero{.above_zero = true};
// poll(2), by which modules wait, counts in an int.
constexpr std::int64_t longest_wait = std::int64_t{24} * 24 * 3600 * 1000;
constexpr Limits waited_for{.above_zero = true, .maximum = longest_wait};
constexpr Limits plain_name{.file_name = true};
constexpr Limits hidden_name{.file_name = true, .dot_name = true};
constexpr Limits level{.bare_megabytes = true, .above_zero = true, .whole_program = true};
constexpr std::string_view levels = "DEBUG|INFO|WARNING|ERROR|CRITICAL";

constexpr std::array specs{
    KeySpec{"global", "top", path},
    KeySpec{"global", "config_dir", path, nullptr, {}, program_wide},
    KeySpec{"global", "data_stream_list", list, nullptr, {}, program_wide},
    KeySpec{"global", "base_data_dir", path, "$(global:top)/data"},
    KeySpec{"global", "base_incoming_dir", path, "$(global:top)/incoming"},
    KeySpec{"global", "general_poll_interval", duration, "3s", {}, not_zero},
    KeySpec{"global", "run_dir", path, "$(global:top)/run", {}, program_wide},
    KeySpec{"global", "shutdown_grace", duration, "30s"},

    KeySpec{"plugins", "path", list, nullptr, {}, {.whole_program = true, .paths = true}},

    KeySpec{"data_stream", "name", string, nullptr, {}, plain_name},
    KeySpec{"data_stream", "directory", path, "$(global:base_data_dir)/$(data_stream:name)"},
    KeySpec{"data_stream", "priority", integer, "$(disk_space_monitor:base_priority)"},
    KeySpec{"data_stream", "status", enumeration, "RUNNING", "RUNNING|STOPPED"},
    KeySpec{"data_stream", "deletion_enabled", boolean, "false"},
    KeySpec{"data_stream", "completion_file", string, nullptr, {}, plain_name},

    KeySpec{"incoming", "require_arrival_monitor", boolean, "false"},
    KeySpec{"incoming", "directory", path, "$(global:base_incoming_dir)/$(data_stream:name)"},
    KeySpec{"incoming", "data_grace", duration, "30s"},
    KeySpec{"incoming", "receipt_max_age", duration, "7d", {}, not_zero},
    KeySpec{"incoming", "legacy_sender", boolean, "false"},
    KeySpec{"incoming", "fsync", boolean, "true"},
    KeySpec{"incoming", "control_file_extension", string, "stager-ctrl-bss", {}, plain_name},
    KeySpec{"incoming", "receipt_file_extension", string, "stager-rcpt-bss", {}, plain_name},
    KeySpec{"incoming", "thankyou_file_extension", string, "stager-thanks-bss", {}, plain_name},
    KeySpec{"incoming", "stop_file", string, ".stop", {}, hidden_name},

    KeySpec{"outgoing", "plugin", string},
    KeySpec{"outgoing", "transfer_mode", enumeration, "move", "move|mirror"},
    KeySpec{"outgoing", "target_host", string},
    KeySpec{"outgoing", "target_dir", string},
    KeySpec{"outgoing", "target_uses_arrival_monitor", boolean, "false"},
    KeySpec{"outgoing", "control_file_extension", string, "stager-ctrl-bss", {}, plain_name},
    KeySpec{"outgoing", "receipt_file_extension", string, "stager-rcpt-bss", {}, plain_name},
    KeySpec{"outgoing", "thankyou_file_extension", string, "stager-thanks-bss", {}, plain_name},
    KeySpec{"outgoing", "checksum", enumeration, "md5", "md5|sha256|blake2b512"},
    KeySpec{"outgoing", "retry_count", integer, "3", {}, {.minimum = 0, .maximum = 1'000'000}},
    KeySpec{"outgoing", "retry_delay", duration},
    KeySpec{"outgoing", "receipt_file_poll_count", integer, "100", {}, {.minimum = 1, .maximum = 1'000'000}},
    KeySpec{"outgoing", "receipt_file_poll_interval", duration, "5s", {}, not_zero},
    KeySpec{"outgoing", "handshake_window", integer, "5000", {}, {.minimum = 1, .maximum = 1'000'000}},
    KeySpec{"outgoing", "stop_file", string, ".stop", {}, hidden_name},
    KeySpec{"outgoing", "stop_file_poll_interval", duration, "600s", {}, not_zero},
    KeySpec{"outgoing", "quarantine_dir", path, "$(data_stream:directory)/quarantine"},
    KeySpec{"outgoing", "legacy_receiver", boolean, "false"},
    KeySpec{"outgoing", "verify", enumeration, "size", "size|checksum"},
    KeySpec{"outgoing", "publish", enumeration, "rename", "rename|direct"},
    KeySpec{"outgoing", "dir_size_limit", size, nullptr, {}, {.bare_megabytes = true, .above_zero = true}},
    KeySpec{"outgoing", "directories", enumeration, nullptr, "tree|zip"},
    KeySpec{"outgoing", "parallel_transfers", integer, "4", {}, {.minimum = 1, .maximum = 64}},
    KeySpec{"outgoing", "bandwidth_limit", size, nullptr, {}, not_zero},
    KeySpec{"outgoing", "settle_time", duration},
    KeySpec{"outgoing", "stall_timeout", duration, "60s", {}, waited_for},
    KeySpec{"outgoing", "mirror_delete", boolean, "true"},
    KeySpec{"outgoing", "max_delete", integer, nullptr, {}, {.minimum = 0}},
    KeySpec{"outgoing", "include", list},
    KeySpec{"outgoing", "exclude", list},

    KeySpec{"logging", "base_log_dir", path, "$(global:top)/log", {}, program_wide},
    KeySpec{"logging", "log_level", enumeration, "INFO", levels},
    KeySpec{"logging", "format", enumeration, "text", "text|json", program_wide},
    KeySpec{"logging", "max_size", size, "50MB", {}, {.above_zero = true, .whole_program = true}},
    KeySpec{"logging", "keep", integer, "5", {}, {.whole_program = true, .minimum = 0, .maximum = 10'000}},

    KeySpec{"email", "from", string},
    KeySpec{"email", "recipient", list},
    KeySpec{"email", "subject", string},
    KeySpec{"email", "smarthost", string},
    KeySpec{"email", "threshold", enumeration, "CRITICAL", levels},
    KeySpec{"email", "max_rate", string},
    KeySpec{"email", "tls", enumeration, nullptr, "none|starttls|implicit"},
    KeySpec{"email", "ca_file", path},
    KeySpec{"email", "verify_peer", boolean, "true"},
    KeySpec{"email", "username", string},
    KeySpec{"email", "password", string, nullptr, {}, {.secret = true}},
    KeySpec{"email", "password_file", path},

    KeySpec{"disk_space_monitor", "base_priority", integer, "100", {}, program_wide},
    KeySpec{"disk_space_monitor", "level_good", size, nullptr, {}, level},
    KeySpec{"disk_space_monitor", "level_low", size, nullptr, {}, level},
    KeySpec{"disk_space_monitor", "level_vlow", size, nullptr, {}, level},
    KeySpec{"disk_space_monitor",
            "poll_interval",
            duration,
            "60s",
            {},
            {.above_zero = true, .whole_program = true}},
    KeySpec{"disk_space_monitor", "stop_outgoing", boolean, "false"},
};

std::vector<std::string> split_choices(std::string_view rest) {
    std::vector<std::string> parts;
    while (!rest.empty()) {
        const auto bar = rest.find('|');
        parts.emplace_back(rest.substr(0, bar));
        rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
    }
    return parts;
}

Key key_of(const KeySpec& spec) {
    Key key;
    key.type = spec.type;
    if (spec.default_value != nullptr) {
        key.default_value = spec.default_value;
    }
    key.choices = split_choices(spec.choices);
    key.secret = spec.limits.secret;
    key.bare_megabytes = spec.limits.bare_megabytes;
    key.holds_paths = spec.type == path || spec.limits.paths;
    key.above_zero = spec.limits.above_zero;
    key.file_name = spec.limits.file_name;
    key.dot_name = spec.limits.dot_name;
    key.whole_program = spec.limits.whole_program;
    key.minimum = spec.limits.minimum;
    key.maximum = spec.limits.maximum;
    return key;
}

}  // namespace

const std::map<std::string, Keys>& core_keys() {
    static const std::map<std::string, Keys> known = [] {
        std::map<std::string, Keys> made;
        for (const KeySpec& spec : specs) {
            made[spec.section].emplace(spec.name, key_of(spec));
        }
        return made;
    }();
    return known;
}

}  // namespace mistamover::config
