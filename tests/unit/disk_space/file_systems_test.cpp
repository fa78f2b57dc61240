// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/file_systems.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;

TEST_CASE("a file system is called by its mount point's last element, numbered where two would be the same") {
    const auto names = labels({"/", "/srv/data", "/data", "/x/data", "/data2", "/odd \n.name", "/.hidden"});
    CHECK(names.at("/") == "root");
    CHECK(names.at("/data") == "data");
    CHECK(names.at("/data2") == "data2");
    CHECK(names.at("/srv/data") == "data3");
    CHECK(names.at("/x/data") == "data4");
    CHECK(names.at("/odd \n.name") == "odd__.name");
    CHECK(names.at("/.hidden") == "_hidden");
}

TEST_CASE("streams are found where their directories lie, or would be made") {
    const Scratch scratch;
    process::MonitorStream stream;
    stream.name = "p";
    stream.data_dir = (scratch / "not" / "made" / "yet").string();
    stream.stop_files = {stream.data_dir + "/.stop"};
    stream.quarantine_dir = "/proc/q";
    const auto found = file_systems({stream});
    REQUIRE(found.size() == 2);
    REQUIRE(found.contains("proc"));
    const FileSystem& proc = found.at("proc");
    CHECK(proc.mount_point == "/proc");
    REQUIRE(proc.streams.size() == 1);
    CHECK(proc.streams[0].data_dir.empty());
    CHECK(proc.streams[0].stop_files.empty());
    CHECK(proc.streams[0].quarantine_here);
    const FileSystem& other = found.begin()->first == "proc" ? found.rbegin()->second : found.begin()->second;
    REQUIRE(other.streams.size() == 1);
    CHECK(other.streams[0].data_dir == stream.data_dir);
    CHECK(other.streams[0].stop_files == stream.stop_files);
    CHECK_FALSE(other.streams[0].quarantine_here);
    CHECK(file_systems({}, {"/proc"}).at("proc").streams.empty());
}

TEST_CASE("streams are grouped by what is mounted, and no file system is asked for that") {
    const Scratch scratch;
    const std::string silent = scratch.path().string() + "/silent";
    const MountTable mounts("1 9 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:50 / " + silent +
                            " rw - nfs4 server:/x rw\n");
    process::MonitorStream stream;
    stream.name = "p";
    stream.data_dir = silent + "/p";
    stream.stop_files = {stream.data_dir + "/.stop"};
    stream.quarantine_dir = scratch.path().string();
    const auto found = file_systems({stream}, {}, mounts);
    REQUIRE(found.size() == 2);
    REQUIRE(found.contains("silent"));
    CHECK(found.at("silent").device == "0:50");
    CHECK(found.at("silent").streams.at(0).data_dir == stream.data_dir);
    CHECK(found.at("silent").streams.at(0).stop_files == stream.stop_files);
    CHECK(found.at("root").streams.at(0).quarantine_here);
}

TEST_CASE("what lies on another file system than the monitor's is taken out, whatever was thought of it") {
    const Scratch scratch;
    process::MonitorStream all;
    all.name = "all";
    all.arrivals_dir = "/proc/arrivals";
    all.data_dir = scratch.path().string();
    all.quarantine_dir = "/proc";
    all.quarantine_here = true;
    all.stop_files = {"/proc/.stop", scratch.path().string() + "/.stop"};
    process::MonitorStream none;
    none.name = "none";
    none.data_dir = (scratch / "not" / "yet").string();
    std::vector<process::MonitorStream> streams{all, none};
    const auto elsewhere = take_out_what_lies_elsewhere("/proc", streams);
    CHECK(elsewhere == std::set<std::string>{all.data_dir, none.data_dir});
    REQUIRE(streams.size() == 1);
    CHECK(streams[0].name == "all");
    CHECK(streams[0].arrivals_dir == "/proc/arrivals");
    CHECK(streams[0].data_dir.empty());
    CHECK(streams[0].quarantine_here);
    CHECK(streams[0].stop_files == std::vector<std::string>{"/proc/.stop"});
    CHECK(take_out_what_lies_elsewhere("/proc", streams).empty());
}

TEST_CASE("the .stop of a stream lies where its deliverers look for it") {
    config::Stream stream;
    stream.settings = {
        {"data_stream", {{"name", {"p"}}, {"directory", {"/data/p"}}}},
        {"incoming",
         {{"directory", {"/incoming/p"}}, {"stop_file", {".halt"}}, {"control_file_extension", {"in-ctrl"}}}},
        {"outgoing", {{"stop_file", {".stop"}}, {"control_file_extension", {"out-ctrl"}}}}};
    const process::MonitorStream sender = monitored(stream);
    CHECK(sender.stop_files == std::vector<std::string>{"/data/p/.stop"});
    CHECK(sender.data_control_extension == "out-ctrl");
    CHECK(sender.arrivals_dir.empty());

    stream.settings["incoming"]["require_arrival_monitor"] = {"true"};
    const process::MonitorStream receiver = monitored(stream);
    CHECK(receiver.stop_files == std::vector<std::string>{"/incoming/p/.halt"});
    CHECK(receiver.arrivals_dir == "/incoming/p");
    CHECK(receiver.arrivals_control_extension == "in-ctrl");
    CHECK(receiver.data_dir == "/data/p");

    stream.settings["disk_space_monitor"]["stop_outgoing"] = {"true"};
    CHECK(monitored(stream).stop_files == std::vector<std::string>{"/incoming/p/.halt", "/data/p/.stop"});
}

}  // namespace mistamover::test
