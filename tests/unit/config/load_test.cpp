// SPDX-License-Identifier: BSD-3-Clause
#include "config/load.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::config {
namespace {

using test::Scratch;
using test::write_file;

// A plugin with one secret and one enumerated option.
class FakeSchemas final : public SchemaSource {
  public:
    Answer schema(const std::string& plugin, const std::vector<std::filesystem::path>&) override {
        if (plugin != "carrier") {
            return {std::nullopt, "there is no plugin " + plugin};
        }
        PluginSchema schema;
        schema.options.push_back({"password", OptionType::string, std::nullopt, "", {}, false, true});
        schema.options.push_back(
            {"speed", OptionType::enumeration, "slow", "", {"slow", "fast"}, false, false});
        return {schema, ""};
    }
};

class Files {
  public:
    Files() { global(""); }
    void global(const std::string& more) {
        write_file(scratch_ / "mistamover.yaml", "global: {top: " + scratch_.path().string() + "}\n" + more);
    }
    void stream(const std::string& text, const std::string& name = "p") {
        write_file(file(name), text);
        std::filesystem::permissions(file(name), std::filesystem::perms{0600});
    }
    [[nodiscard]] std::filesystem::path file(const std::string& name = "p") const {
        return scratch_.path() / "streams.d" / (name + ".yaml");
    }
    [[nodiscard]] Configuration load(const std::vector<std::string>& environment = {}) const {
        FakeSchemas schemas;
        return config::load(scratch_ / "mistamover.yaml", environment, schemas);
    }
    [[nodiscard]] std::string problems(const std::vector<std::string>& environment = {}) const {
        std::string all;
        for (const Problem& problem : load(environment).problems) {
            all += problem.file.filename().string() + ':' + std::to_string(problem.line) + ':' +
                   std::to_string(problem.column) + ": " + problem.text + '\n';
        }
        return all;
    }

  private:
    Scratch scratch_;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

constexpr char good[] = "outgoing: {plugin: carrier, target_dir: /target}\n";

}  // namespace

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

TEST_CASE("the environment overrides a key") {
    Files files;
    files.stream(good);
    const Configuration configuration = files.load({"MISTAMOVER__outgoing__retry_count=9"});
    REQUIRE(configuration.streams.size() == 1);
    CHECK(stream_settings(configuration.streams.front().settings).outgoing.retry_count == 9);
    CHECK(configuration.streams.front().origins.at("outgoing").at("retry_count") ==
          "environment MISTAMOVER__outgoing__retry_count");
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
    files.stream("data_stream: {directory: /q/p/other}\n" + std::string(good), "other");
    CHECK(has(problems_with("true", "/i/p", "/q/p", "none"),
              "`outgoing.quarantine_dir` is or holds a directory of stream `other`"));
    CHECK(has(problems_with("true", "/q", "/r", "none"),
              "`incoming.directory` is or holds a directory of stream `other`"));
    CHECK(problems_with("false", "/q", "/r", "none").empty());
}

TEST_CASE("settings survive the way to another process, whatever bytes they hold") {
    const SettingsMap settings{{"s", {{"k", {"a:b", "", std::string("\0\n\xff", 3)}}, {"empty", {}}}}};
    CHECK(parse_settings(serialize_settings(settings)) == settings);
}

}  // namespace mistamover::config
