// SPDX-License-Identifier: BSD-3-Clause
#include <Poco/Exception.h>
#include <Poco/JSON/Parser.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iomanip>
#include <iostream>
#include <thread>

#include <mistamover/units.hpp>

#include "cli/options.hpp"
#include "cli/printable.hpp"
#include "cli/running_configuration.hpp"
#include "supervisor/control_socket.hpp"

namespace mistamover::cli {
namespace {

using Poco::JSON::Object;
using Row = std::vector<std::string>;

constexpr std::size_t deletions_shown = 10;
constexpr std::size_t streams_named = 5;

std::string last_error(const Object& stream) {
    const std::time_t when = stream.getValue<Poco::Int64>("last_error_time");
    if (when == 0) {
        return "";
    }
    std::tm parts{};
    ::localtime_r(&when, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%m-%d %H:%M:%S ", &parts);
    return text.data() + stream.getValue<std::string>("last_error");
}

Row row_of_stream(const Object& stream) {
    const std::string reason = stream.getValue<std::string>("reason");
    return {stream.getValue<std::string>("name"),
            stream.getValue<std::string>("plugin"),
            stream.getValue<std::string>("state"),
            std::to_string(stream.getValue<Poco::UInt64>("backlog_units")),
            format_size({stream.getValue<Poco::UInt64>("backlog_bytes")}),
            format_size({stream.getValue<Poco::UInt64>("bytes_per_second")}) + "/s",
            std::to_string(stream.getValue<Poco::UInt64>("delivered_units")),
            std::to_string(stream.getValue<Poco::UInt64>("quarantined_units")),
            reason.empty() ? last_error(stream) : reason};
}

Row row_of_monitor(const Object& monitor) {
    const std::string reason = monitor.getValue<std::string>("reason");
    return {monitor.getValue<std::string>("name"),
            monitor.getValue<std::string>("state"),
            std::to_string(monitor.getValue<Poco::UInt64>("waiting_files")),
            std::to_string(monitor.getValue<Poco::UInt64>("accepted_files")),
            format_size({monitor.getValue<Poco::UInt64>("accepted_bytes")}),
            reason.empty() ? last_error(monitor) : reason};
}

void print_table(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    for (const Row& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            std::cout << std::left << std::setw(static_cast<int>(widths[i]) + 2) << row[i];
        }
        std::cout << row.back() << '\n';
    }
}

void print_all(const Poco::JSON::Array& objects, const Row& heading, Row (*row_of)(const Object&)) {
    std::vector<Row> rows{heading};
    for (unsigned i = 0; i < objects.size(); ++i) {
        Row row = row_of(*objects.getObject(i));
        std::transform(row.begin(), row.end(), row.begin(), printable);
        rows.push_back(std::move(row));
    }
    print_table(rows);
}

std::string time_to_low(const Object& file_system) {
    const auto seconds = file_system.getValue<Poco::Int64>("seconds_to_low");
    return seconds < 0 ? "-" : format_duration(std::chrono::seconds{seconds});
}

std::string stopped_streams(const Object& file_system) {
    const auto names = file_system.getArray("stopped_streams");
    const auto all = file_system.getValue<std::size_t>("stopped");
    std::string text;
    for (unsigned i = 0; i < std::min<std::size_t>(names->size(), streams_named); ++i) {
        text += (i == 0 ? "" : " ") + names->getElement<std::string>(i);
    }
    return all <= streams_named ? text : text + " and " + std::to_string(all - streams_named) + " more";
}

Row row_of_file_system(const Object& file_system) {
    return {file_system.getValue<std::string>("name"),
            file_system.getValue<std::string>("state"),
            format_size({file_system.getValue<Poco::UInt64>("free_bytes")}),
            format_size({file_system.getValue<Poco::UInt64>("total_bytes")}),
            time_to_low(file_system),
            std::to_string(file_system.getValue<Poco::UInt64>("deleted_units")),
            stopped_streams(file_system)};
}

void print_file_systems(const Poco::JSON::Array& file_systems) {
    if (file_systems.empty()) {
        return;
    }
    std::cout << '\n';
    print_all(file_systems, {"FILE SYSTEM", "STATE", "FREE", "SIZE", "LOW IN", "DELETED", "STOPPED STREAMS"},
              row_of_file_system);
    for (unsigned i = 0; i < file_systems.size(); ++i) {
        const auto plan = file_systems.getObject(i)->getArray("next_deletions");
        for (unsigned j = 0; j < std::min<std::size_t>(plan->size(), deletions_shown); ++j) {
            const auto unit = plan->getObject(j);
            std::cout << (j == 0 ? "would be deleted next on " : "                      then on ")
                      << printable(file_systems.getObject(i)->getValue<std::string>("name")) << ": "
                      << printable(unit->getValue<std::string>("path")) << " ("
                      << format_size({unit->getValue<Poco::UInt64>("bytes")}) << ")\n";
        }
    }
}

void print_status(const std::string& answer) {
    const auto json = Poco::JSON::Parser().parse(answer).extract<Object::Ptr>();
    const bool sends = json->getArray("streams")->size() > 0;
    const bool receives = json->getArray("arrivals_monitors")->size() > 0;
    if (sends || !receives) {
        print_all(
            *json->getArray("streams"),
            {"STREAM", "PLUGIN", "STATE", "FILES", "SIZE", "RATE", "DELIVERED", "QUARANTINED", "REASON"},
            row_of_stream);
    }
    if (receives) {
        std::cout << (sends ? "\n" : "");
        print_all(*json->getArray("arrivals_monitors"),
                  {"ARRIVALS", "STATE", "WAITING", "ACCEPTED", "SIZE", "REASON"}, row_of_monitor);
    }
    print_file_systems(*json->getArray("disk_space"));
    const auto problems = json->getArray("configuration_problems");
    for (std::size_t i = 0; i < problems->size(); ++i) {
        std::cout << "problem: " << printable(problems->getElement<std::string>(static_cast<unsigned>(i)))
                  << '\n';
    }
}

}  // namespace

int status(const std::vector<std::string>& arguments) {
    boost::program_options::options_description options("options");
    options.add_options()("json", "one JSON object, for programs")("watch", "again every second");
    const auto found = parse_options(arguments, "mistamover status [--json] [--watch] [CONFIG]", options, 1);
    if (!found) {
        return 0;
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    const config::GlobalSettings global = running_configuration(words.empty() ? "" : words.front());
    try {
        while (true) {
            const std::string answer = supervisor::ask_controller(global.run_dir, "status");
            if (found->contains("json")) {
                std::cout << answer;
            } else {
                std::cout << (found->contains("watch") ? "\033[H\033[2J" : "");
                print_status(answer);
            }
            if (!found->contains("watch")) {
                return 0;
            }
            std::cout << std::flush;
            std::this_thread::sleep_for(std::chrono::seconds{1});
        }
    } catch (const Poco::Exception& error) {
        std::cerr << "mistamover: the daemon's answer cannot be understood: " << error.displayText() << '\n';
        return 1;
    } catch (const std::runtime_error& error) {
        std::cerr << "mistamover: " << error.what() << '\n';
        return 1;
    }
}

}  // namespace mistamover::cli
