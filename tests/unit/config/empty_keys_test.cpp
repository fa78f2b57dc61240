// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "config/keys.hpp"
#include "config/load.hpp"
#include "configuration_files.hpp"

namespace mistamover::config {

TEST_CASE("a key without a value takes back what the global file sets") {
    Files files;
    files.global(
        "outgoing: {retry_count: 7, max_delete: 5, exclude: ['*.tmp'], transfer_mode: mirror}\n"
        "carrier: {speed: fast}\n");
    files.stream(
        "outgoing: {plugin: carrier, target_dir: /target, retry_count: , max_delete: , exclude: }\n"
        "carrier: {speed: }\n");
    const Configuration configuration = files.load();
    CHECK(files.problems().empty());
    REQUIRE(configuration.streams.size() == 1);
    const Stream& loaded = configuration.streams.front();
    const StreamSettings stream = stream_settings(loaded.settings);
    CHECK(stream.outgoing.retry_count == 3);
    CHECK(loaded.origins.at("outgoing").at("retry_count") == "default");
    CHECK_FALSE(stream.outgoing.max_delete.has_value());
    CHECK(stream.outgoing.exclude.empty());
    CHECK(stream.plugin_options.at("speed") == std::vector<std::string>{"slow"});
    CHECK(loaded.origins.at("carrier").at("speed") == "plugin default");
}

TEST_CASE("a key without a value keeps its default, and every key that has one is there") {
    Files files;
    files.stream(good);
    const Configuration plain = files.load();
    REQUIRE(plain.streams.size() == 1);
    std::string text;
    for (const auto& [section, keys] : core_keys()) {
        text += section + ":\n";
        for (const auto& [name, key] : keys) {
            const bool is_needed = section == "outgoing" && (name == "plugin" || name == "target_dir");
            if (!key.whole_program && !is_needed) {
                text += "  " + name + ":\n";
            }
        }
        text += section == "outgoing" ? "  plugin: carrier\n  target_dir: /target\n" : "";
    }
    files.stream(text);
    CHECK(files.problems().empty());
    const Configuration emptied = files.load();
    REQUIRE(emptied.streams.size() == 1);
    CHECK(emptied.streams.front().settings.at("incoming") == plain.streams.front().settings.at("incoming"));
    CHECK(emptied.streams.front().settings.at("outgoing") == plain.streams.front().settings.at("outgoing"));
    CHECK(emptied.streams.front().settings.at("data_stream") ==
          plain.streams.front().settings.at("data_stream"));
}

TEST_CASE("keys without a value in the global file leave the streams and the program's places as they are") {
    Files files;
    files.global_file(
        "global: {top: , config_dir: , run_dir: , base_data_dir: , data_stream_list: }\n"
        "logging: {base_log_dir: , log_level: }\nincoming: {require_arrival_monitor: }\n"
        "outgoing: {stop_file: }\ndata_stream: {directory: , status: }\n");
    files.stream(good);
    const Configuration configuration = files.load();
    CHECK(files.problems().empty());
    REQUIRE(configuration.streams.size() == 1);
    const StreamSettings stream = stream_settings(configuration.streams.front().settings);
    CHECK(stream.directory == files.directory() / "data/p");
    CHECK(stream.outgoing.stop_file == ".stop");
    CHECK(configuration.streams.front().settings.at("incoming").at("require_arrival_monitor") ==
          std::vector<std::string>{"false"});
    const GlobalSettings global = global_settings(configuration.global);
    CHECK(global.run_dir == files.directory() / "run");
    CHECK(global.logging.base_log_dir == files.directory() / "log");
}

TEST_CASE("a section for the whole program that only a stream's file spoils is that stream's problem") {
    Files files;
    files.global("email: {from: me@example.org, subject: 'from $(email:from)'}\n");
    files.stream(std::string(good) + "email: {from: }\n");
    files.stream("outgoing: {plugin: carrier, target_dir: /elsewhere}\n", "q");
    const std::string problems = files.problems();
    CHECK(problems.starts_with("mistamover.yaml:2:"));
    CHECK(problems.ends_with("`email.subject` $(email:from) refers to a key that has no value here\n"));
    const Configuration configuration = files.load();
    CHECK(configuration.usable());
    REQUIRE(configuration.streams.size() == 1);
    CHECK(configuration.streams.front().name == "q");
}

TEST_CASE("a problem of a section for the whole program is told once, whatever the number of streams") {
    Files files;
    files.global("email: {subject: '$(email:from)'}\n");
    files.stream(good);
    files.stream("outgoing: {plugin: carrier, target_dir: /elsewhere}\n", "q");
    CHECK(files.load().problems.size() == 1);
    CHECK_FALSE(files.load().usable());
}

}  // namespace mistamover::config
