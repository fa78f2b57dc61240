// SPDX-License-Identifier: BSD-3-Clause
// What a poll of the disk space monitor costs, with many streams on one file system and many files in one.

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <unistd.h>

#include "disk_space/disk_space_monitor.hpp"
#include "disk_space/local_disk.hpp"

namespace {

namespace fs = std::filesystem;
using namespace mistamover;
using disk_space::DiskSpaceMonitor;

constexpr int streams = 1'000;
constexpr int files = 100'000;
constexpr int rounds = 20;
constexpr std::chrono::milliseconds step{10};  // as the monitor's process has it

double cpu_milliseconds() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

void make_file(const fs::path& path) {
    std::ofstream(path) << path;
}

std::vector<process::MonitorStream> make_streams(const fs::path& top) {
    std::vector<process::MonitorStream> made;
    for (int i = 0; i < streams; ++i) {
        process::MonitorStream stream;
        stream.name = "s" + std::to_string(i);
        stream.priority = i % 150;
        stream.deletion_enabled = true;
        stream.data_dir = (top / stream.name).string();
        stream.quarantine_dir = stream.data_dir + "/quarantine";
        stream.quarantine_here = true;
        stream.stop_files = {stream.data_dir + "/.stop"};
        fs::create_directories(stream.quarantine_dir);
        make_file(top / stream.name / "unit");
        made.push_back(std::move(stream));
    }
    for (int i = 0; i < files; ++i) {
        make_file(top / "s0" / std::to_string(i));
    }
    return made;
}

// `between` is done before each round, which takes as many polls as it has to.
template <typename Between>
void measure(const std::string& what, DiskSpaceMonitor& monitor, Between between) {
    double sum = 0;
    double most = 0;
    int polls = 0;
    DiskSpaceMonitor::Clock::time_point now{};
    for (int round = 0; round < rounds; ++round) {
        between(round);
        now += std::chrono::minutes{1};
        do {
            const double begun = cpu_milliseconds();
            monitor.poll(now);
            const double took = cpu_milliseconds() - begun;
            sum += took;
            most = std::max(most, took);
            ++polls;
        } while (monitor.has_more());
    }
    std::cout << what << ": " << sum / polls << " ms of CPU a poll, at most " << most << " ms; "
              << sum / rounds << " ms in " << static_cast<double>(polls) / rounds << " polls a round\n";
}

void run(const fs::path& top) {
    const auto all = make_streams(top);
    disk_space::LocalDisk disk("bench", top.string(), all, top / ".placed");
    const disk_space::Space space = disk.space();
    const std::uint64_t free = space.free_bytes;
    const auto quiet = [](LogLevel, std::string_view) {};
    const auto monitor_at = [&](disk_space::Levels levels) {
        disk.look_anew();
        return std::make_unique<DiskSpaceMonitor>(
            DiskSpaceMonitor::Settings{levels, 100, std::chrono::minutes{1}, step}, all, disk, quiet);
    };
    const auto nothing = [](int) {};
    const auto one_file = [&](int round) { make_file(top / "s0" / ("new" + std::to_string(round))); };
    const auto good = monitor_at({3, 2, 1});
    measure("GOOD, the first time and then again", *good, nothing);
    measure("GOOD", *good, nothing);
    measure("GOOD, a file more each time", *good, one_file);
    const auto low = monitor_at({free * 3, free * 2, 1});
    measure("LOW, the first time and then again", *low, nothing);
    measure("LOW", *low, nothing);
    measure("LOW, a file more each time", *low, one_file);
    // All is looked at anew each time; nothing is deleted here.
    const auto vlow = monitor_at({free * 3, free * 2, free + (space.total_bytes - free) / 2});
    measure("VLOW", *vlow, nothing);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " DIRECTORY\n";
        return 2;
    }
    std::string top = std::string(argv[1]) + "/mistamover-bench-XXXXXX";
    if (::mkdtemp(top.data()) == nullptr) {
        std::cerr << "no directory can be made in " << argv[1] << '\n';
        return 1;
    }
    run(top);
    fs::remove_all(top);
    return 0;
}
