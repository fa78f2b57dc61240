// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <mistamover/border.hpp>
#include <mistamover/units.hpp>

namespace mistamover::config {

/// The effective settings as text: section -> key -> values (one value, or any number for a list), defaults
/// filled in, references replaced. What the controller hands to a child process, and what the typed settings
/// below are made from. Holds secrets: never log it.
using SettingsMap = std::map<std::string, std::map<std::string, std::vector<std::string>>>;

struct LoggingSettings {
    std::filesystem::path base_log_dir;
    LogLevel level = LogLevel::info;
    bool json = false;
    ByteCount max_size{50'000'000};
    std::uint32_t keep = 5;
};

struct GlobalSettings {
    std::filesystem::path top;
    std::filesystem::path config_dir;
    std::filesystem::path base_data_dir;
    std::filesystem::path base_incoming_dir;
    std::filesystem::path run_dir;
    std::chrono::milliseconds general_poll_interval{3000};
    std::chrono::milliseconds shutdown_grace{30000};
    std::vector<std::filesystem::path>
        plugin_path;  ///< `plugins.path`, searched before the built-in directory.
    LoggingSettings logging;
};

enum class DirectoryForm : std::uint8_t { automatic, tree, zip };
enum class Verify : std::uint8_t { size, checksum };

struct OutgoingSettings {
    std::string plugin;  ///< A name, or an absolute path to a library; "none" for a receive-only stream.
    TransferMode mode = TransferMode::move;
    std::string target_host;
    std::string target_dir;
    bool target_uses_arrival_monitor = false;
    std::string control_file_extension;
    std::string receipt_file_extension;
    std::string thankyou_file_extension;
    std::string checksum;  ///< "md5", "sha256" or "blake2b512".
    std::uint32_t retry_count = 3;
    std::optional<std::chrono::milliseconds> retry_delay;  ///< Nothing: growing from general_poll_interval.
    std::uint32_t receipt_file_poll_count = 100;
    std::chrono::milliseconds receipt_file_poll_interval{5000};
    std::uint32_t handshake_window = 5000;  ///< At most so many units wait for their receipts.
    std::string stop_file;
    std::chrono::milliseconds stop_file_poll_interval{600'000};
    std::filesystem::path quarantine_dir;
    bool legacy_receiver = false;
    Verify verify = Verify::size;
    Publish publish = Publish::rename;
    std::optional<ByteCount> dir_size_limit;
    DirectoryForm directories = DirectoryForm::automatic;
    std::uint32_t parallel_transfers = 4;
    std::optional<ByteCount> bandwidth_limit;  ///< A second.
    std::optional<std::chrono::milliseconds> settle_time;
    std::chrono::milliseconds stall_timeout{60'000};
    bool mirror_delete = true;
    std::optional<std::uint64_t> max_delete;
    std::vector<std::string> include;
    std::vector<std::string> exclude;
};

struct IncomingSettings {
    bool require_arrival_monitor = false;
    std::filesystem::path directory;
    std::chrono::milliseconds data_grace{30'000};
    std::chrono::milliseconds receipt_max_age{604'800'000};
    bool legacy_sender = false;
    bool fsync = true;  ///< A receipt waits until the disk has the file.
    std::string control_file_extension;
    std::string receipt_file_extension;
    std::string thankyou_file_extension;
    std::string stop_file;
};

struct DiskSpaceSettings {
    std::int64_t base_priority = 100;
    std::optional<ByteCount> level_good;  ///< The three levels are all set, or disk space is not monitored.
    std::optional<ByteCount> level_low;
    std::optional<ByteCount> level_vlow;
    std::chrono::milliseconds poll_interval{60'000};
    bool stop_outgoing = false;  ///< The monitor's `.stop` files suspend sending, too.
};

struct StreamSettings {
    std::string name;
    std::filesystem::path directory;
    std::int64_t priority = 100;
    bool stopped = false;  ///< `status: STOPPED`.
    bool deletion_enabled = false;
    std::string completion_file;  ///< Empty: none.
    IncomingSettings incoming;
    OutgoingSettings outgoing;
    DiskSpaceSettings disk_space;
    GlobalSettings global;
    /// The plugin's own section, with the schema's defaults.
    std::map<std::string, std::vector<std::string>> plugin_options;
};

/// The typed form of checked settings. Throws std::invalid_argument, naming section and key, on text that a
/// SettingsMap made by this project's checks cannot hold.
StreamSettings stream_settings(const SettingsMap& settings);
GlobalSettings global_settings(const SettingsMap& settings);
DiskSpaceSettings disk_space_settings(const SettingsMap& settings);

/// The section that holds a plugin's options: its name, or NAME for a path to libmistamover-NAME.so. Pure.
std::string plugin_section(const std::string& plugin);

/// For the message to a child process; `parse_settings` reads it back, and throws std::invalid_argument on
/// what serialize_settings has not made. Any bytes are kept.
std::string serialize_settings(const SettingsMap& settings);
SettingsMap parse_settings(std::string_view text);

}  // namespace mistamover::config
