// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>

#include "local_fixture.hpp"
#include "local_system_calls.hpp"

namespace mistamover::local::test {
namespace {

std::string id_at(const fs::path& path) {
    return DiskLog::id_of(look(path));
}

/// Checks the order in which `name` in `directory` was brought to the disk and reported as item `index`.
void check_order(const Bench& bench, const DiskLog& log, const std::string& name, std::size_t index) {
    CAPTURE(name);
    const fs::path path = bench.target(name);
    const std::size_t contents = log.position("contents " + id_at(path));
    const std::size_t directory = log.position("directory " + id_at(path.parent_path()));
    CHECK(contents < directory);
    CHECK(directory < log.position("report " + std::to_string(index)));
    const std::string renamed = "rename " + path.filename().string();
    const std::vector<std::string>& events = log.events();
    if (std::find(events.begin(), events.end(), renamed) != events.end()) {
        CHECK(contents < log.position(renamed));
        CHECK(log.position(renamed) < directory);
    }
}

}  // namespace

TEST_CASE("with fsync contents are on the disk, then names, then that is reported; without it nothing is") {
    struct Way {
        fs::path to;
        bool may_take;
        Publish publish;
    };
    const std::array<Way, 4> ways{
        Way{first_file_system(), true, Publish::rename}, Way{first_file_system(), false, Publish::rename},
        Way{other_file_system(), true, Publish::rename}, Way{other_file_system(), true, Publish::direct}};
    for (const Way& way : ways) {
        for (const bool fsync : {true, false}) {
            Bench bench(first_file_system(), way.to);
            bench.fsync = fsync;
            fs::create_directory(bench.source("d"));
            write_file(bench.source("d/f"), "f");
            write_file(bench.source("g"), "g");
            DiskLog log;
            bench.sink.on_done = [&](std::size_t index) { log.add("report " + std::to_string(index)); };
            CHECK(bench.put({"d", "d/f", "g"}, way.may_take, way.publish).ok());
            if (fsync) {
                check_order(bench, log, "d/f", 1);
                check_order(bench, log, "g", 2);
                CHECK(log.position("directory " + id_at(bench.target())) < log.position("report 0"));
            } else {
                CHECK(std::none_of(log.events().begin(), log.events().end(), [](const std::string& event) {
                    return event.starts_with("contents") || event.starts_with("directory");
                }));
            }
        }
    }
}

TEST_CASE("with fsync a rename is done once both directories are on the disk") {
    for (const bool fsync : {true, false}) {
        Bench bench;
        bench.fsync = fsync;
        fs::create_directory(bench.target("from"));
        fs::create_directory(bench.target("to"));
        write_file(bench.target("from/f"), "f");
        DiskLog log;
        CHECK(bench.session().rename("from/f", "to/g").ok());
        const std::size_t renamed = log.position("rename g");
        if (fsync) {
            CHECK(renamed < log.position("directory " + id_at(bench.target("from"))));
            CHECK(renamed < log.position("directory " + id_at(bench.target("to"))));
        } else {
            CHECK(log.events().size() == 1);
        }
    }
}

TEST_CASE("with fsync what the disk refuses is not reported as delivered, and contents are not published") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        for (const bool may_take : {false, true}) {
            Bench bench(first_file_system(), to);
            bench.fsync = true;
            write_file(bench.source("a"), "a");
            DiskLog log;
            log.refuses_contents = true;
            CHECK_FALSE(bench.put_one("a", may_take).ok());
            CHECK(bench.delivered().empty());
            CHECK(read_file(bench.source("a")) == "a");
            log.refuses_contents = false;
            log.refuses_directories = true;
            const Status status = bench.put_one("a", may_take);
            CHECK_FALSE(status.ok());
            CHECK(status.scope() == StatusScope::session);
            CHECK_FALSE(status.outcome_known());
        }
    }
}

}  // namespace mistamover::local::test
