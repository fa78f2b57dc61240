// SPDX-License-Identifier: BSD-3-Clause
#include "config/load.hpp"

#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>

#include "configuration_files.hpp"
#include "scratch.hpp"

namespace mistamover::config {

using test::Scratch;
using test::write_file;

TEST_CASE("a stream gets defaults, the global file's values and its own, in this order") {
    Files files;
    files.stream(good);
    files.global("outgoing: {retry_count: 7, parallel_transfers: 2}\n");
    files.stream("outgoing: {plugin: carrier, target_dir: /target, parallel_transfers: 5}\n");
    const Configuration configuration = files.load();
    REQUIRE(configuration.problems.empty());
    REQUIRE(configuration.streams.size() == 1);
    const StreamSettings stream = stream_settings(configuration.streams.front().settings);
    CHECK(stream.name == "p");
    CHECK(stream.outgoing.retry_count == 7);
    CHECK(stream.outgoing.parallel_transfers == 5);
    CHECK(stream.outgoing.stop_file == ".stop");
    CHECK(stream.incoming.data_grace == std::chrono::seconds{30});
    CHECK(stream.incoming.receipt_max_age == std::chrono::hours{24 * 7});
    CHECK(stream.directory.string().ends_with("/data/p"));
    CHECK(stream.plugin_options.at("speed") == std::vector<std::string>{"slow"});
}

TEST_CASE("every problem is told at once, where it stands") {
    Files files;
    files.stream(
        "data_stream:\n  prioritty: 5\n  status: RUNING\noutgoing:\n  plugin: carrier\n"
        "  target_dir: /target\n  retry_delay: soon\ncarrier:\n  speed: warp\nnonsense: {}\n");
    const std::string problems = files.problems();
    CHECK(has(problems, "p.yaml:2:3: unknown key `data_stream.prioritty`; did you mean `priority`?"));
    CHECK(has(problems, "p.yaml:3:11: `data_stream.status` must be one of RUNNING STOPPED"));
    CHECK(has(problems, "p.yaml:7:16: `outgoing.retry_delay` must be a duration"));
    CHECK(has(problems, "p.yaml:9:10: `carrier.speed` must be one of slow fast"));
    CHECK(has(problems, "p.yaml:10:1: unknown section `nonsense`"));
    CHECK(std::count(problems.begin(), problems.end(), '\n') == 5);
}

TEST_CASE("a key that is set twice, broken YAML and a missing key are problems") {
    Files files;
    files.stream("outgoing:\n  plugin: carrier\n  target_dir: /a\n  target_dir: /b\n");
    CHECK(has(files.problems(), "p.yaml:4:3: `outgoing.target_dir` is set twice"));
    files.stream("outgoing: [\n");
    CHECK(has(files.problems(), "not YAML"));
    files.stream("outgoing: {plugin: carrier}\n");
    CHECK(has(files.problems(), "`outgoing.target_dir`"));
    files.stream("outgoing: {target_dir: /a}\n");
    CHECK(has(files.problems(), "`outgoing.plugin`"));
}

TEST_CASE(
    "a file in which nothing is yet, as where it is being written, is a problem; one that sets nothing is "
    "not") {
    Files files;
    files.global("outgoing: {plugin: carrier, target_dir: /target}\n");
    for (const char* text : {"", "\n", "# nothing yet\n", "---\n"}) {
        INFO(text);
        files.stream(text);
        CHECK(has(files.problems(), "p.yaml:0:0: the file is empty: write `{}`"));
        const Configuration configuration = files.load();
        CHECK(configuration.usable());
        CHECK(configuration.streams.empty());
    }
    for (const char* text : {"{}\n", "outgoing:\n"}) {
        INFO(text);
        files.stream(text);
        CHECK(files.problems().empty());
        CHECK(files.load().streams.size() == 1);
    }
    files.global_file("");
    CHECK(has(files.problems(), "mistamover.yaml:0:0: the file is empty"));
    CHECK_FALSE(files.load().usable());
}

TEST_CASE("references are replaced, and a cycle is named") {
    Files files;
    files.stream("data_stream: {directory: /data/$(env:WHO)/$(data_stream:name)}\n" + std::string(good));
    const Configuration configuration = files.load({"WHO=me"});
    REQUIRE(configuration.problems.empty());
    CHECK(stream_settings(configuration.streams.front().settings).directory == "/data/me/p");
    CHECK(has(files.problems(), "$(env:WHO) refers to an environment variable that is not set"));
    files.stream("data_stream: {directory: $(outgoing:quarantine_dir)}\n" + std::string(good));
    CHECK(has(files.problems(), "data_stream:directory -> outgoing:quarantine_dir -> data_stream:directory"));
}

TEST_CASE("a module is looked for by what its name means, whatever it refers to") {
    Files files;
    for (const std::string place : {"top", "config_dir"}) {
        files.stream("outgoing: {plugin: $(global:" + place + ")/carrier, target_dir: /target}\n");
        const std::filesystem::path directory =
            place == "top" ? files.directory() : files.file().parent_path();
        CHECK(has(files.problems(),
                  "`outgoing.plugin` names a module that cannot be used: there is no plugin " +
                      (directory / "carrier").string()));
    }
}

TEST_CASE("a file of a stream that is called *.yml is named in a warning") {
    Files files;
    files.stream(good);
    const std::filesystem::path ignored = files.file().parent_path() / "q.yml";
    write_file(ignored, good);
    const Configuration configuration = files.load();
    CHECK(configuration.problems.empty());
    CHECK(configuration.streams.size() == 1);
    REQUIRE(configuration.warnings.size() == 1);
    CHECK(to_string(configuration.warnings.front()).starts_with(ignored.string() + ": is ignored"));
}

TEST_CASE("a path that climbs from behind a link names the file that the system finds there") {
    const Scratch scratch;
    write_file(scratch / "mistamover.yaml", "nonsense: {}\n");
    write_file(scratch / "real/mistamover.yaml", "{}\n");
    std::filesystem::create_directories(scratch / "real/streams.d");
    std::filesystem::create_directories(scratch / "real/deep");
    std::filesystem::create_directory_symlink(scratch / "real/deep", scratch / "link");
    FakeSchemas schemas;
    const Configuration configuration = load(scratch / "link/../mistamover.yaml", {}, schemas);
    CHECK(configuration.problems.empty());
}

TEST_CASE(
    "a file with a secret that others may read is refused with the chmod that mends it, without the secret") {
    Files files;
    files.stream(std::string(good) + "carrier: {password: hunter2}\n");
    CHECK(files.problems().empty());
    std::filesystem::permissions(files.file(), std::filesystem::perms{0644});
    const std::string problems = files.problems();
    CHECK(has(problems, "chmod 600 " + files.file().string()));
    CHECK_FALSE(has(problems, "hunter2"));
    CHECK(files.load().secrets.at("carrier") == std::vector<std::string>{"password"});
}

TEST_CASE("one bad stream does not take the others with it") {
    Files files;
    files.stream(good, "good");
    files.stream("outgoing: {plugin: nosuch, target_dir: /t}\n", "bad");
    const Configuration configuration = files.load();
    CHECK(configuration.usable());
    REQUIRE(configuration.streams.size() == 1);
    CHECK(configuration.streams.front().name == "good");
}

TEST_CASE("a section for a module that no stream here uses keeps nobody from running, and is checked") {
    Files files;
    files.stream("outgoing: {plugin: bare, target_dir: /target}\n", "good");
    files.global("carrier: {speed: fast}\n");
    CHECK(files.problems({"MISTAMOVER__carrier__speed=fast"}).empty());
    files.stream("outgoing: {plugin: carrier\n", "broken");
    const Configuration configuration = files.load();
    CHECK(configuration.usable());
    CHECK(configuration.streams.size() == 1);
    files.global("carrier: {sped: fast}\n");
    CHECK(has(files.problems(), "unknown key `carrier.sped`; did you mean `speed`?"));
    files.global("carrier: {speed: warp}\n");
    CHECK(has(files.problems(), "`carrier.speed` must be one of slow fast"));
    for (const std::string section : {"carier", "/lib/libmistamover-carrier.so"}) {
        files.global(section + ": {}\n");
        CHECK(has(files.problems(), "unknown section `" + section));
    }
}

TEST_CASE("the name of a stream that has a problem is kept, where it can be told") {
    Files files;
    files.stream("data_stream: {name: other, prioritty: 5}\n" + std::string(good));
    CHECK(files.load().broken_names == std::map<std::string, std::string>{{"p", "other"}});
    for (const char* text : {"data_stream: [\n", "data_stream: {name: a/b}\n"}) {
        files.stream(text);
        CHECK(files.load().broken_names.empty());
    }
}

TEST_CASE("an amount beyond what can be counted or waited for is refused") {
    Files files;
    const auto problems_with = [&](const std::string& setting) {
        files.stream("outgoing: {plugin: carrier, target_dir: /target, " + setting + "}\n");
        return files.problems();
    };
    for (const std::string key : {"stop_file_poll_interval", "settle_time", "retry_delay"}) {
        CHECK(has(problems_with(key + ": 999999d"), "must be a duration of at most 100 years (36500d)"));
        CHECK(problems_with(key + ": 36500d").empty());
    }
    CHECK(has(problems_with("stall_timeout: 25d"), "`outgoing.stall_timeout` must be at most 24d"));
    CHECK(problems_with("stall_timeout: 24d").empty());
    CHECK(has(problems_with("dir_size_limit: 9000000000001"), "must be a size of at most 9000000TB"));
    files.stream(good);
    CHECK(has(files.problems({"MISTAMOVER__global__shutdown_grace=999999d"}), "must be a duration"));
}

TEST_CASE("an interval, an age or a size that cannot be nothing is refused as 0") {
    Files files;
    files.stream(good);
    for (const std::string key :
         {"global__general_poll_interval", "incoming__receipt_max_age",
          "outgoing__receipt_file_poll_interval", "outgoing__stop_file_poll_interval",
          "outgoing__stall_timeout", "outgoing__dir_size_limit", "outgoing__bandwidth_limit",
          "logging__max_size", "disk_space_monitor__poll_interval", "disk_space_monitor__level_good",
          "disk_space_monitor__level_low", "disk_space_monitor__level_vlow"}) {
        INFO(key);
        CHECK(has(files.problems({"MISTAMOVER__" + key + "=0"}), "must be more than 0"));
        CHECK_FALSE(has(files.problems({"MISTAMOVER__" + key + "=1"}), "must be more than 0"));
    }
}

TEST_CASE("base_priority is that of the monitor, and of the streams that have none of their own") {
    Files files;
    files.global("disk_space_monitor: {base_priority: 42}\n");
    files.stream(good);
    files.stream("data_stream: {priority: 7}\n" + std::string(good), "q");
    const Configuration configuration = files.load();
    REQUIRE(configuration.streams.size() == 2);
    CHECK(disk_space_settings(configuration.global).base_priority == 42);
    const StreamSettings without = stream_settings(configuration.streams[0].settings);
    CHECK(without.name == "p");
    CHECK(without.priority == 42);
    CHECK(without.disk_space.base_priority == 42);
    CHECK(stream_settings(configuration.streams[1].settings).priority == 7);
}

TEST_CASE("incoming.fsync is true unless it is set otherwise") {
    Files files;
    files.stream(good);
    files.stream("incoming: {fsync: false}\n" + std::string(good), "q");
    const Configuration configuration = files.load();
    REQUIRE(configuration.streams.size() == 2);
    CHECK(stream_settings(configuration.streams[0].settings).incoming.fsync);
    CHECK_FALSE(stream_settings(configuration.streams[1].settings).incoming.fsync);
}

TEST_CASE("a quarantine on another file system, into which nothing can be renamed, is a problem of a move") {
    Files files;
    const std::string stream = "outgoing:\n  plugin: carrier\n  target_dir: /t\n  quarantine_dir: ";
    files.stream(stream + "/proc/quarantine\n");
    CHECK(has(files.problems(), "p.yaml:4:19: `outgoing.quarantine_dir` is on another file system"));
    files.stream(stream + "/proc/quarantine\n  transfer_mode: mirror\n");
    CHECK(files.problems().empty());
    files.stream(stream + "$(global:top)/not/there/yet\n");
    CHECK(files.problems().empty());
}

TEST_CASE("combinations that cannot work are problems") {
    Files files;
    files.stream(
        "outgoing: {plugin: carrier, target_dir: /t, transfer_mode: mirror, target_uses_arrival_monitor: "
        "true}\n");
    CHECK(has(files.problems(), "mirror cannot be used with the arrivals protocol"));
    files.stream("outgoing: {plugin: carrier, target_dir: /t, max_delete: 5}\n");
    CHECK(has(files.problems(), "`outgoing.max_delete` applies to transfer_mode: mirror only"));
    files.stream("outgoing: {plugin: none}\n");
    CHECK(has(files.problems(), "require_arrival_monitor"));
    files.stream("data_stream: {directory: /same}\n" + std::string(good));
    files.stream("data_stream: {directory: /same/inner}\n" + std::string(good), "q");
    CHECK(has(files.problems(), "lies inside the directory of stream `p`"));
}

TEST_CASE("a stream's own global.top moves nothing of the program's, and no check is made against it") {
    Files files;
    const std::string top = files.directory().string();
    files.stream(std::string(good) + "global: {top: /elsewhere}\ndata_stream: {directory: " + top + "}\n");
    const std::string problems = files.problems();
    for (const char* own : {"global.run_dir", "logging.base_log_dir", "global.config_dir"}) {
        CHECK_MESSAGE(has(problems, std::string("holds the program's own ") + own), problems);
    }
    files.stream(std::string(good) + "global: {top: /elsewhere}\n");
    const Configuration configuration = files.load();
    REQUIRE(configuration.streams.size() == 1);
    const StreamSettings stream = stream_settings(configuration.streams.front().settings);
    CHECK(stream.directory == "/elsewhere/data/p");
    CHECK(stream.global.run_dir == files.directory() / "run");
    CHECK(stream.global.logging.base_log_dir == files.directory() / "log");
    CHECK(configuration.streams.front().origins.at("global").at("run_dir") == "default");
}

TEST_CASE("a stop file that would be data is refused") {
    Files files;
    for (const std::string section : {"incoming", "outgoing"}) {
        files.stream("outgoing: {plugin: carrier, target_dir: /t}\n");
        files.global(section + ": {stop_file: STOP}\n");
        CHECK(has(files.problems(), '`' + section + ".stop_file` must begin with a dot"));
        files.global(section + ": {stop_file: ./stop}\n");
        CHECK(has(files.problems(), '`' + section + ".stop_file` must be usable in a file name"));
        files.global(section + ": {stop_file: .halt}\n");
        CHECK(files.problems().empty());
    }
}

TEST_CASE("nothing but units lies where deletion_enabled has everything deleted") {
    Files files;
    const auto problems_with = [&](const std::string& deletion, const std::string& incoming,
                                   const std::string& quarantine, const std::string& plugin) {
        files.stream("data_stream: {directory: /d/p, deletion_enabled: " + deletion +
                     "}\nincoming: {require_arrival_monitor: true, directory: " + incoming +
                     "}\noutgoing: {plugin: " + plugin + ", target_dir: /t, quarantine_dir: " + quarantine +
                     "}\n");
        return files.problems();
    };
    for (const std::string plugin : {"carrier", "none"}) {
        CHECK(problems_with("true", "/i/p", "/q/p", plugin).empty());
        CHECK(has(problems_with("true", "/d", "/q/p", plugin), "is or holds data_stream.directory"));
        CHECK(has(problems_with("true", "/i/p", "/i/p/q", plugin), "holds outgoing.quarantine_dir"));
        CHECK(has(problems_with("true", "/q/p/i", "/q/p", plugin), "is or holds incoming.directory"));
        CHECK(has(problems_with("true", "$(global:top)", "/q/p", plugin), "is or holds global.run_dir"));
        CHECK(has(problems_with("true", "/i/p", "$(global:run_dir)", plugin), "is or holds global.run_dir"));
        CHECK(has(problems_with("true", "$(logging:base_log_dir)", "/q/p", plugin),
                  "is or holds logging.base_log_dir"));
        CHECK(problems_with("false", "/i/p", "/i/p/q", plugin).empty());
    }
    for (const std::string plugin : {"local", "carrier"}) {
        CHECK(problems_with("true", "/t/in", "/t/kept", plugin).empty());
        CHECK(problems_with("false", "/i/p", "/t", plugin).empty());
        CHECK(has(problems_with("true", "/i/p", "/t", plugin),
                  "`outgoing.quarantine_dir` is or holds outgoing.target_dir") == (plugin == "local"));
        CHECK(has(problems_with("true", "/t", "/q/p", plugin),
                  "`incoming.directory` is or holds outgoing.target_dir") == (plugin == "local"));
    }
    files.stream("data_stream: {directory: /q/p/other}\n" + std::string(good), "other");
    CHECK(has(problems_with("true", "/i/p", "/q/p", "none"),
              "`outgoing.quarantine_dir` is or holds a directory of stream `other`"));
    CHECK(has(problems_with("true", "/q", "/r", "none"),
              "`incoming.directory` is or holds a directory of stream `other`"));
    CHECK(problems_with("false", "/q", "/r", "none").empty());
}

TEST_CASE("the program's own files are no units where units are sent, or deleted when a disk fills") {
    Files files;
    const auto problems_with = [&](const std::string& deletion, const std::string& plugin) {
        files.stream("data_stream: {directory: $(global:top), deletion_enabled: " + deletion +
                     "}\nincoming: {require_arrival_monitor: true, directory: /i/p}\noutgoing: {plugin: " +
                     plugin + ", target_dir: /t, quarantine_dir: /q/p}\n");
        return files.problems();
    };
    for (const char* own : {"global.run_dir", "logging.base_log_dir", "global.config_dir"}) {
        const std::string text = std::string("holds the program's own ") + own + ", which ";
        CHECK(has(problems_with("false", "carrier"), text + "would be sent as data"));
        CHECK(has(problems_with("true", "carrier"), text + "would be sent as data"));
        CHECK(has(problems_with("true", "none"), text + "deletion_enabled would have deleted"));
    }
    CHECK(problems_with("false", "none").empty());
}

TEST_CASE("settings survive the way to another process, whatever bytes they hold") {
    const SettingsMap settings{{"s", {{"k", {"a:b", "", std::string("\0\n\xff", 3)}}, {"empty", {}}}}};
    CHECK(parse_settings(serialize_settings(settings)) == settings);
}

}  // namespace mistamover::config
