// SPDX-License-Identifier: BSD-3-Clause
#include "disk_site.hpp"

#include <Poco/JSON/Parser.h>
#include <sstream>

namespace mistamover::test {

namespace fs = std::filesystem;

DiskSite::DiskSite() {
    fs::create_directories(home() / "disk");
    disk_.emplace(home() / "disk", 64, SmallDisk::Kind::ext4);
    configure();
}

void DiskSite::configure(const std::string& disk_space, const std::string& sections) const {
    write_file(config(), "global: {top: " + home().string() +
                             ", general_poll_interval: 200ms, shutdown_grace: 3s}\n" +
                             "disk_space_monitor: {level_good: 30, level_low: 20, level_vlow: 10, "
                             "poll_interval: 100ms" +
                             disk_space + "}\n" + sections);
}

void DiskSite::add(const std::string& name, const std::string& data_stream, const std::string& outgoing,
                   const std::string& sections) const {
    fs::create_directories(directory(name));
    add_at(name, directory(name), data_stream, outgoing, sections);
}

void DiskSite::add_at(const std::string& name, const fs::path& directory, const std::string& data_stream,
                      const std::string& outgoing, const std::string& sections) const {
    fs::create_directories(target(name));
    write_file(home() / "streams.d" / (name + ".yaml"),
               "data_stream: {directory: " + directory.string() + data_stream +
                   "}\noutgoing: {plugin: local, target_dir: " + target(name).string() + outgoing + "}\n" +
                   sections);
}

Poco::JSON::Object::Ptr DiskSite::status(const std::string& name) const {
    const ProgramResult result = run_program({"status", "--json", config().string()});
    if (result.exit_code != 0) {
        return nullptr;
    }
    const auto all = Poco::JSON::Parser().parse(result.output).extract<Poco::JSON::Object::Ptr>();
    const auto file_systems = all->getArray("disk_space");
    for (unsigned i = 0; i < file_systems->size(); ++i) {
        if (file_systems->getObject(i)->getValue<std::string>("name") == name) {
            return file_systems->getObject(i);
        }
    }
    return nullptr;
}

std::vector<std::string> DiskSite::planned() const {
    std::vector<std::string> names;
    const auto plan = status()->getArray("next_deletions");
    for (unsigned i = 0; i < plan->size(); ++i) {
        const fs::path path = plan->getObject(i)->getValue<std::string>("path");
        names.push_back((path.parent_path().filename() / path.filename()).string());
    }
    return names;
}

bool DiskSite::reaches(const std::string& state) const {
    return eventually([&] {
        const auto json = status();
        return json && json->getValue<std::string>("state") == state;
    });
}

bool DiskSite::fill(std::uint64_t free_bytes, const std::string& state) const {
    disk_->leave_free(free_bytes);
    return reaches(state);
}

std::vector<std::string> DiskSite::events() const {
    std::vector<std::string> events;
    std::istringstream lines(disk_log());
    const std::string prefix = disk_->path().string() + '/';
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(line.find("] ") + 2));
        std::string level;
        std::string first;
        std::string second;
        words >> level >> first >> second;
        if (first == "stream") {
            events.push_back((line.find(" is stopped: ") != std::string::npos ? "stop " : "go ") + second);
        } else if (first == "deleted") {
            const bool whole = level == "ERROR" && line.find("B) of stream ") != std::string::npos;
            events.push_back(whole ? "deleted " + second.substr(prefix.size()) : line);
        } else if (first == "nothing") {
            events.push_back(level == "CRITICAL" ? "exhausted" : line);
        } else if (first.ends_with(":") && line.find("LOW in") == std::string::npos) {
            events.push_back(first.substr(0, first.size() - 1));
        }
    }
    return events;
}

}  // namespace mistamover::test
