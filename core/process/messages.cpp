// SPDX-License-Identifier: BSD-3-Clause
#include "process/messages.hpp"

#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace mistamover::process {
namespace {

// The same as `fields`, for the messages of the disk space monitor.
void disk_space_fields(auto& wire, auto& m) {
    using M = std::remove_cvref_t<decltype(m)>;
    if constexpr (std::is_same_v<M, MonitorStream>) {
        wire(m.name, m.priority, m.deletion_enabled, m.stop_files, m.arrivals_dir,
             m.arrivals_control_extension, m.data_dir, m.data_control_extension, m.include, m.exclude,
             m.quarantine_dir, m.quarantine_here);
    } else if constexpr (std::is_same_v<M, PlannedDeletion>) {
        wire(m.stream, m.path, m.bytes);
    } else if constexpr (std::is_same_v<M, DiskSpaceReport>) {
        wire(m.state, m.free_bytes, m.total_bytes, m.free_inodes, m.total_inodes, m.bytes_per_second,
             m.seconds_to_low, m.stopped, m.stopped_names, m.plan, m.deleted_units, m.deleted_bytes,
             m.last_error, m.last_error_time);
    } else if constexpr (std::is_same_v<M, HoldUnits>) {
        wire(m.request, m.directory, m.names);
    } else if constexpr (std::is_same_v<M, UnitsHeld>) {
        wire(m.request, m.names);
    } else if constexpr (std::is_same_v<M, ReleaseUnits>) {
        wire(m.directory);
    }
}

// Each message's fields in their order on the wire; used for writing and for reading.
void fields(auto& wire, auto& m) {
    using M = std::remove_cvref_t<decltype(m)>;
    if constexpr (std::is_same_v<M, Configure>) {
        wire(m.settings, m.one_off, m.work_dir, m.held);
    } else if constexpr (std::is_same_v<M, Changed>) {
        wire(m.names);
    } else if constexpr (std::is_same_v<M, WatchFailed>) {
        wire(m.reason);
    } else if constexpr (std::is_same_v<M, Stop>) {
        wire(m.grace_ms);
    } else if constexpr (std::is_same_v<M, WatchRequest>) {
        wire(m.path, m.recursive, m.dot_file);
    } else if constexpr (std::is_same_v<M, StreamReport>) {
        wire(m.state, m.reason, m.backlog_units, m.backlog_bytes, m.in_flight, m.delivered_units,
             m.delivered_bytes, m.sent_bytes, m.bytes_per_second, m.quarantined_units, m.last_error,
             m.last_error_time);
    } else if constexpr (std::is_same_v<M, UnitLeft>) {
        wire(m.name, m.reason);
    } else if constexpr (std::is_same_v<M, Finished>) {
        wire(m.clean);
    } else {
        disk_space_fields(wire, m);
    }
}

class Writer {
  public:
    explicit Writer(std::size_t type) { bytes_.push_back(static_cast<char>(type)); }
    template <typename... Fields>
    void operator()(const Fields&... values) {
        (put(values), ...);
    }
    std::string take() { return std::move(bytes_); }

  private:
    template <typename Number>
    requires std::is_integral_v<Number> || std::is_enum_v<Number>
    void put(Number value) {
        const auto number = static_cast<std::uint64_t>(value);
        char raw[sizeof number];
        std::memcpy(raw, &number, sizeof number);
        bytes_.append(raw, sizeof raw);
    }
    void put(const std::string& text) {
        put(text.size());
        bytes_.append(text);
    }
    void put(const PlannedDeletion& deletion) { disk_space_fields(*this, deletion); }
    template <typename Element>
    void put(const std::vector<Element>& elements) {
        put(elements.size());
        for (const Element& element : elements) {
            put(element);
        }
    }

    std::string bytes_;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    template <typename... Fields>
    void operator()(Fields&... values) {
        (get(values), ...);
    }
    void expect_end() const {
        if (!bytes_.empty()) {
            throw std::runtime_error("a message between processes is too long");
        }
    }

  private:
    std::string_view take(std::size_t count) {
        if (count > bytes_.size()) {
            throw std::runtime_error("a message between processes is too short");
        }
        const std::string_view taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    std::uint64_t number() {
        std::uint64_t value = 0;
        std::memcpy(&value, take(sizeof value).data(), sizeof value);
        return value;
    }
    template <typename Number>
    requires std::is_integral_v<Number> || std::is_enum_v<Number>
    void get(Number& value) { value = static_cast<Number>(number()); }
    void get(std::string& text) { text = take(number()); }
    void get(PlannedDeletion& deletion) { disk_space_fields(*this, deletion); }
    template <typename Element>
    void get(std::vector<Element>& elements) {
        const std::uint64_t count = number();
        for (std::uint64_t i = 0; i < count; ++i) {
            get(elements.emplace_back());
        }
    }

    std::string_view bytes_;
};

template <std::size_t Index = 0>
Message decode_as(std::size_t type, std::string_view fields_text) {
    if constexpr (Index == std::variant_size_v<Message>) {
        throw std::runtime_error("a message between processes has an unknown type");
    } else {
        if (type != Index) {
            return decode_as<Index + 1>(type, fields_text);
        }
        std::variant_alternative_t<Index, Message> message;
        Reader reader(fields_text);
        fields(reader, message);
        reader.expect_end();
        return message;
    }
}

}  // namespace

std::string encode(const Message& message) {
    Writer writer(message.index());
    std::visit([&](const auto& alternative) { fields(writer, alternative); }, message);
    return writer.take();
}

Message decode(std::string_view bytes) {
    if (bytes.empty()) {
        throw std::runtime_error("a message between processes is empty");
    }
    return decode_as(static_cast<unsigned char>(bytes.front()), bytes.substr(1));
}

std::string_view to_string(SpaceState state) noexcept {
    switch (state) {
        case SpaceState::good:
            return "GOOD";
        case SpaceState::okay:
            return "OKAY";
        case SpaceState::low:
            return "LOW";
        case SpaceState::vlow:
            return "VLOW";
    }
    return "unknown";
}

std::string_view to_string(StreamState state) noexcept {
    switch (state) {
        case StreamState::starting:
            return "starting";
        case StreamState::idle:
            return "idle";
        case StreamState::transferring:
            return "transferring";
        case StreamState::waiting:
            return "waiting";
        case StreamState::suspended:
            return "suspended";
        case StreamState::backing_off:
            return "backing-off";
        case StreamState::failed:
            return "failed";
        case StreamState::stopped:
            return "stopped";
        case StreamState::complete:
            return "complete";
    }
    return "unknown";
}

}  // namespace mistamover::process
