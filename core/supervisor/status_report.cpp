// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/status_report.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/TextConverter.h>
#include <Poco/UTF8Encoding.h>
#include <sstream>
#include <unistd.h>

namespace mistamover::supervisor {
namespace {

using Poco::JSON::Array;
using Poco::JSON::Object;

// Names and settings may hold any bytes, JSON only UTF-8.
std::string utf8(const std::string& text) {
    const Poco::UTF8Encoding encoding;
    std::string clean;
    Poco::TextConverter(encoding, encoding, '?').convert(text, clean);
    return clean;
}

std::string outgoing_setting(const config::Stream& stream, const std::string& key) {
    const auto& outgoing = stream.settings.at("outgoing");
    const auto found = outgoing.find(key);
    return found == outgoing.end() || found->second.empty() ? "" : utf8(found->second.front());
}

Object::Ptr stream_json(const StreamChild& child) {
    const process::StreamReport& report = child.report;
    Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    json->set("name", utf8(child.stream.name));
    json->set("state", std::string(to_string(report.state)));
    json->set("reason", utf8(report.reason));
    json->set("plugin", outgoing_setting(child.stream, "plugin"));
    json->set("mode", outgoing_setting(child.stream, "transfer_mode"));
    json->set("target_host", outgoing_setting(child.stream, "target_host"));
    json->set("target_dir", outgoing_setting(child.stream, "target_dir"));
    json->set("pid", static_cast<Poco::Int64>(child.pid));
    json->set("restarts", child.restarts);
    json->set("backlog_units", report.backlog_units);
    json->set("backlog_bytes", report.backlog_bytes);
    json->set("in_flight", report.in_flight);
    json->set("delivered_units", report.delivered_units);
    json->set("delivered_bytes", report.delivered_bytes);
    json->set("sent_bytes", report.sent_bytes);
    json->set("bytes_per_second", report.bytes_per_second);
    json->set("quarantined_units", report.quarantined_units);
    json->set("last_error", utf8(report.last_error));
    json->set("last_error_time", static_cast<Poco::Int64>(report.last_error_time));
    return json;
}

Object::Ptr monitor_json(const StreamChild& child) {
    const process::StreamReport& report = child.report;
    Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    json->set("name", utf8(child.stream.name));
    json->set("state", std::string(to_string(report.state)));
    json->set("reason", utf8(report.reason));
    json->set("pid", static_cast<Poco::Int64>(child.pid));
    json->set("restarts", child.restarts);
    json->set("waiting_files", report.backlog_units);
    json->set("accepted_files", report.delivered_units);
    json->set("accepted_bytes", report.delivered_bytes);
    json->set("last_error", utf8(report.last_error));
    json->set("last_error_time", static_cast<Poco::Int64>(report.last_error_time));
    return json;
}

Array::Ptr plan_json(const process::DiskSpaceReport& report) {
    Array::Ptr plan = new Array;
    for (const process::PlannedDeletion& deletion : report.plan) {
        Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
        json->set("stream", utf8(deletion.stream));
        json->set("path", utf8(deletion.path));
        json->set("bytes", deletion.bytes);
        plan->add(json);
    }
    return plan;
}

Object::Ptr file_system_json(const std::string& label, const SpaceChild& child) {
    const process::DiskSpaceReport& report = child.report;
    Array::Ptr stopped = new Array;
    for (const std::string& stream : report.stopped_names) {
        stopped->add(utf8(stream));
    }
    Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    json->set("name", utf8(label));
    json->set("mount_point", utf8(child.file_system.mount_point));
    json->set("state", report.total_bytes == 0 ? "starting" : std::string(to_string(report.state)));
    json->set("free_bytes", report.free_bytes);
    json->set("total_bytes", report.total_bytes);
    json->set("free_inodes", report.free_inodes);
    json->set("total_inodes", report.total_inodes);
    json->set("bytes_per_second", static_cast<Poco::Int64>(report.bytes_per_second));
    json->set("seconds_to_low", static_cast<Poco::Int64>(report.seconds_to_low));
    json->set("stopped", report.stopped);
    json->set("stopped_streams", stopped);
    json->set("next_deletions", plan_json(report));
    json->set("deleted_units", report.deleted_units);
    json->set("deleted_bytes", report.deleted_bytes);
    json->set("pid", static_cast<Poco::Int64>(child.pid));
    json->set("restarts", child.restarts);
    json->set("last_error", utf8(report.last_error));
    json->set("last_error_time", static_cast<Poco::Int64>(report.last_error_time));
    return json;
}

}  // namespace

std::string status_json(const Children& transfers, const Children& monitors, const SpaceChildren& disk_space,
                        const std::vector<config::Problem>& problems, std::int64_t started) {
    Array::Ptr streams = new Array;
    for (const auto& [name, child] : transfers) {
        streams->add(stream_json(*child));
    }
    Array::Ptr arrivals = new Array;
    for (const auto& [name, child] : monitors) {
        arrivals->add(monitor_json(*child));
    }
    Array::Ptr file_systems = new Array;
    for (const auto& [label, child] : disk_space) {
        file_systems->add(file_system_json(label, *child));
    }
    Array::Ptr texts = new Array;
    for (const config::Problem& problem : problems) {
        texts->add(utf8(to_string(problem)));
    }
    Object json(Poco::JSON_PRESERVE_KEY_ORDER);
    json.set("pid", static_cast<Poco::Int64>(::getpid()));
    json.set("started", static_cast<Poco::Int64>(started));
    json.set("streams", streams);
    json.set("arrivals_monitors", arrivals);
    json.set("disk_space", file_systems);
    json.set("configuration_problems", texts);
    std::ostringstream out;
    json.stringify(out);
    return out.str();
}

}  // namespace mistamover::supervisor
