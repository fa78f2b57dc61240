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

std::string outgoing_setting(const config::Stream& stream, const std::string& key) {
    const auto& outgoing = stream.settings.at("outgoing");
    const auto found = outgoing.find(key);
    return found == outgoing.end() || found->second.empty() ? "" : found->second.front();
}

// File names may hold any bytes, JSON only UTF-8.
std::string utf8(const std::string& text) {
    const Poco::UTF8Encoding encoding;
    std::string clean;
    Poco::TextConverter(encoding, encoding, '?').convert(text, clean);
    return clean;
}

Object::Ptr stream_json(const StreamChild& child) {
    const process::StreamReport& report = child.report;
    Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    json->set("name", child.stream.name);
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
    json->set("bytes_per_second", report.bytes_per_second);
    json->set("quarantined_units", report.quarantined_units);
    json->set("last_error", utf8(report.last_error));
    json->set("last_error_time", static_cast<Poco::Int64>(report.last_error_time));
    return json;
}

Object::Ptr monitor_json(const StreamChild& child) {
    const process::StreamReport& report = child.report;
    Object::Ptr json = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    json->set("name", child.stream.name);
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

}  // namespace

std::string status_json(const Children& transfers, const Children& monitors,
                        const std::vector<config::Problem>& problems, std::int64_t started) {
    Array::Ptr streams = new Array;
    for (const auto& [name, child] : transfers) {
        streams->add(stream_json(*child));
    }
    Array::Ptr arrivals = new Array;
    for (const auto& [name, child] : monitors) {
        arrivals->add(monitor_json(*child));
    }
    Array::Ptr texts = new Array;
    for (const config::Problem& problem : problems) {
        texts->add(to_string(problem));
    }
    Object json(Poco::JSON_PRESERVE_KEY_ORDER);
    json.set("pid", static_cast<Poco::Int64>(::getpid()));
    json.set("started", static_cast<Poco::Int64>(started));
    json.set("streams", streams);
    json.set("arrivals_monitors", arrivals);
    json.set("configuration_problems", texts);
    std::ostringstream out;
    json.stringify(out);
    return out.str();
}

}  // namespace mistamover::supervisor
