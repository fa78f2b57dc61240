// SPDX-License-Identifier: BSD-3-Clause
#include "config/settings.hpp"

#include <charconv>
#include <stdexcept>

#include <mistamover/options.hpp>

namespace mistamover::config {
namespace {

class Section {
  public:
    Section(const SettingsMap& settings, std::string name) : name_(std::move(name)) {
        const auto found = settings.find(name_);
        keys_ = found == settings.end() ? nullptr : &found->second;
    }

    [[nodiscard]] std::vector<std::string> list(const std::string& key) const {
        if (keys_ == nullptr || !keys_->contains(key)) {
            return {};
        }
        return keys_->at(key);
    }
    [[nodiscard]] std::optional<std::string> optional_text(const std::string& key) const {
        const std::vector<std::string> values = list(key);
        return values.empty() ? std::nullopt : std::optional(values.front());
    }
    [[nodiscard]] std::string text(const std::string& key) const { return optional_text(key).value_or(""); }
    [[nodiscard]] bool flag(const std::string& key) const {
        return read<bool>(key, [](std::string_view t) { return parse_boolean(t); }).value_or(false);
    }
    template <typename Number = std::int64_t>
    [[nodiscard]] std::optional<Number> number(const std::string& key) const {
        return read<Number>(key, [](std::string_view t) -> std::optional<Number> {
            Number value{};
            const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value);
            return error == std::errc{} && end == t.data() + t.size() ? std::optional(value) : std::nullopt;
        });
    }
    [[nodiscard]] std::optional<std::chrono::milliseconds> duration(const std::string& key) const {
        return read<std::chrono::milliseconds>(key, [](std::string_view t) { return parse_duration(t); });
    }
    [[nodiscard]] std::optional<ByteCount> size(const std::string& key) const {
        return read<ByteCount>(key, [](std::string_view t) { return parse_size(t); });
    }

  private:
    template <typename Value, typename Parse>
    [[nodiscard]] std::optional<Value> read(const std::string& key, Parse parse) const {
        const std::optional<std::string> value = optional_text(key);
        if (!value) {
            return std::nullopt;
        }
        const std::optional<Value> parsed = parse(*value);
        if (!parsed) {
            throw std::invalid_argument(name_ + "." + key + " has a value of the wrong type");
        }
        return parsed;
    }

    std::string name_;
    const std::map<std::string, std::vector<std::string>>* keys_;
};

template <typename Value>
void assign(Value& target, const std::optional<Value>& value) {
    if (value) {
        target = *value;
    }
}

LogLevel log_level(const std::string& name) {
    if (name == "DEBUG") {
        return LogLevel::debug;
    }
    if (name == "WARNING") {
        return LogLevel::warning;
    }
    if (name == "ERROR") {
        return LogLevel::error;
    }
    return name == "CRITICAL" ? LogLevel::critical : LogLevel::info;
}

IncomingSettings incoming_settings(const SettingsMap& settings) {
    const Section section(settings, "incoming");
    IncomingSettings incoming;
    incoming.require_arrival_monitor = section.flag("require_arrival_monitor");
    incoming.directory = section.text("directory");
    assign(incoming.data_grace, section.duration("data_grace"));
    assign(incoming.receipt_max_age, section.duration("receipt_max_age"));
    incoming.legacy_sender = section.flag("legacy_sender");
    incoming.fsync = section.flag("fsync");
    incoming.control_file_extension = section.text("control_file_extension");
    incoming.receipt_file_extension = section.text("receipt_file_extension");
    incoming.thankyou_file_extension = section.text("thankyou_file_extension");
    incoming.stop_file = section.text("stop_file");
    return incoming;
}

OutgoingSettings outgoing_settings(const SettingsMap& settings) {
    const Section section(settings, "outgoing");
    OutgoingSettings outgoing;
    outgoing.plugin = section.text("plugin");
    outgoing.mode = section.text("transfer_mode") == "mirror" ? TransferMode::mirror : TransferMode::move;
    outgoing.target_host = section.text("target_host");
    outgoing.target_dir = section.text("target_dir");
    outgoing.target_uses_arrival_monitor = section.flag("target_uses_arrival_monitor");
    outgoing.control_file_extension = section.text("control_file_extension");
    outgoing.receipt_file_extension = section.text("receipt_file_extension");
    outgoing.thankyou_file_extension = section.text("thankyou_file_extension");
    outgoing.checksum = section.text("checksum");
    assign(outgoing.retry_count, section.number<std::uint32_t>("retry_count"));
    outgoing.retry_delay = section.duration("retry_delay");
    assign(outgoing.receipt_file_poll_count, section.number<std::uint32_t>("receipt_file_poll_count"));
    assign(outgoing.receipt_file_poll_interval, section.duration("receipt_file_poll_interval"));
    assign(outgoing.handshake_window, section.number<std::uint32_t>("handshake_window"));
    outgoing.stop_file = section.text("stop_file");
    assign(outgoing.stop_file_poll_interval, section.duration("stop_file_poll_interval"));
    outgoing.quarantine_dir = section.text("quarantine_dir");
    outgoing.legacy_receiver = section.flag("legacy_receiver");
    outgoing.verify = section.text("verify") == "checksum" ? Verify::checksum : Verify::size;
    outgoing.publish = section.text("publish") == "direct" ? Publish::direct : Publish::rename;
    outgoing.dir_size_limit = section.size("dir_size_limit");
    const std::string directories = section.text("directories");
    outgoing.directories = directories == "tree"  ? DirectoryForm::tree
                           : directories == "zip" ? DirectoryForm::zip
                                                  : DirectoryForm::automatic;
    assign(outgoing.parallel_transfers, section.number<std::uint32_t>("parallel_transfers"));
    outgoing.bandwidth_limit = section.size("bandwidth_limit");
    outgoing.settle_time = section.duration("settle_time");
    assign(outgoing.stall_timeout, section.duration("stall_timeout"));
    outgoing.mirror_delete = section.flag("mirror_delete");
    outgoing.max_delete = section.number<std::uint64_t>("max_delete");
    outgoing.include = section.list("include");
    outgoing.exclude = section.list("exclude");
    return outgoing;
}

void append_text(std::string& out, const std::string& text) {
    out += std::to_string(text.size()) + ':' + text;
}

std::size_t number_in(std::string_view text) {
    std::size_t number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (text.empty() || error != std::errc{} || end != last) {
        throw std::invalid_argument("serialized settings are damaged");
    }
    return number;
}

std::string take_text(std::string_view& rest) {
    const auto colon = rest.find(':');
    const std::size_t length = number_in(rest.substr(0, colon));
    if (colon == std::string_view::npos || length > rest.size() - colon - 1) {
        throw std::invalid_argument("serialized settings are damaged");
    }
    std::string text(rest.substr(colon + 1, length));
    rest.remove_prefix(colon + 1 + length);
    return text;
}

std::size_t take_count(std::string_view& rest) {
    return number_in(take_text(rest));
}

}  // namespace

GlobalSettings global_settings(const SettingsMap& settings) {
    const Section section(settings, "global");
    GlobalSettings global;
    global.top = section.text("top");
    global.config_dir = section.text("config_dir");
    global.base_data_dir = section.text("base_data_dir");
    global.base_incoming_dir = section.text("base_incoming_dir");
    global.run_dir = section.text("run_dir");
    assign(global.general_poll_interval, section.duration("general_poll_interval"));
    assign(global.shutdown_grace, section.duration("shutdown_grace"));
    for (const std::string& directory : Section(settings, "plugins").list("path")) {
        global.plugin_path.emplace_back(directory);
    }
    const Section logging(settings, "logging");
    global.logging.base_log_dir = logging.text("base_log_dir");
    global.logging.level = log_level(logging.text("log_level"));
    global.logging.json = logging.text("format") == "json";
    assign(global.logging.max_size, logging.size("max_size"));
    assign(global.logging.keep, logging.number<std::uint32_t>("keep"));
    return global;
}

DiskSpaceSettings disk_space_settings(const SettingsMap& settings) {
    const Section section(settings, "disk_space_monitor");
    DiskSpaceSettings disk_space;
    assign(disk_space.base_priority, section.number("base_priority"));
    disk_space.level_good = section.size("level_good");
    disk_space.level_low = section.size("level_low");
    disk_space.level_vlow = section.size("level_vlow");
    assign(disk_space.poll_interval, section.duration("poll_interval"));
    disk_space.stop_outgoing = section.flag("stop_outgoing");
    return disk_space;
}

StreamSettings stream_settings(const SettingsMap& settings) {
    const Section section(settings, "data_stream");
    StreamSettings stream;
    stream.name = section.text("name");
    stream.directory = section.text("directory");
    assign(stream.priority, section.number("priority"));
    stream.stopped = section.text("status") == "STOPPED";
    stream.deletion_enabled = section.flag("deletion_enabled");
    stream.completion_file = section.text("completion_file");
    stream.incoming = incoming_settings(settings);
    stream.outgoing = outgoing_settings(settings);
    stream.disk_space = disk_space_settings(settings);
    stream.global = global_settings(settings);
    const auto own = settings.find(plugin_section(stream.outgoing.plugin));
    if (own != settings.end()) {
        stream.plugin_options = own->second;
    }
    return stream;
}

std::string plugin_section(const std::string& plugin) {
    constexpr std::string_view prefix = "libmistamover-";
    if (!plugin.starts_with('/')) {
        return plugin;
    }
    const std::string stem = std::filesystem::path(plugin).stem().string();
    return stem.starts_with(prefix) ? stem.substr(prefix.size()) : stem;
}

std::string serialize_settings(const SettingsMap& settings) {
    std::string out;
    for (const auto& [section, keys] : settings) {
        append_text(out, section);
        append_text(out, std::to_string(keys.size()));
        for (const auto& [key, values] : keys) {
            append_text(out, key);
            append_text(out, std::to_string(values.size()));
            for (const std::string& value : values) {
                append_text(out, value);
            }
        }
    }
    return out;
}

SettingsMap parse_settings(std::string_view text) {
    SettingsMap settings;
    while (!text.empty()) {
        auto& keys = settings[take_text(text)];
        for (std::size_t keys_left = take_count(text); keys_left > 0; --keys_left) {
            std::vector<std::string>& values = keys[take_text(text)];
            for (std::size_t left = take_count(text); left > 0; --left) {
                values.push_back(take_text(text));
            }
        }
    }
    return settings;
}

}  // namespace mistamover::config
