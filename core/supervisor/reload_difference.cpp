// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/reload_difference.hpp"

#include <set>

namespace mistamover::supervisor {

namespace {

// By the file's stem: the name may be what is wrong.
std::set<std::string> broken_streams(const config::Configuration& fresh) {
    std::set<std::string> broken;
    for (const config::Problem& problem : fresh.problems) {
        broken.insert(problem.stream);
    }
    return broken;
}

}  // namespace

ReloadDifference reload_difference(const std::map<std::string, StreamInForce>& streams,
                                   const config::Configuration& fresh,
                                   bool (*wanted)(const config::Stream& stream)) {
    ReloadDifference difference;
    std::set<std::string> wanted_names;
    for (const config::Stream& stream : fresh.streams) {
        if (!wanted(stream)) {
            continue;
        }
        wanted_names.insert(stream.name);
        const auto found = streams.find(stream.name);
        if (found == streams.end()) {
            difference.added.push_back(stream);
        } else if (found->second.leaving || found->second.stream.settings != stream.settings) {
            difference.changed.push_back(stream);
        } else if (found->second.stream.file != stream.file) {
            difference.moved.push_back(stream);
        }
    }
    const std::set<std::string> broken = broken_streams(fresh);
    for (const auto& [name, there] : streams) {
        const bool is_broken = broken.contains(there.stream.file.stem().string());
        if (!wanted_names.contains(name) && !is_broken && !there.leaving) {
            difference.removed.push_back(name);
        }
    }
    return difference;
}

std::vector<config::Stream> streams_in_force(std::vector<config::Stream> before,
                                             const config::Configuration& fresh) {
    std::vector<config::Stream> streams = fresh.streams;
    std::set<std::string> names;
    for (const config::Stream& stream : streams) {
        names.insert(stream.name);
    }
    const std::set<std::string> broken = broken_streams(fresh);
    for (config::Stream& stream : before) {
        if (broken.contains(stream.file.stem().string()) && !names.contains(stream.name)) {
            streams.push_back(std::move(stream));
        }
    }
    return streams;
}

}  // namespace mistamover::supervisor
