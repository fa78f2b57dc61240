// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_put.hpp"

#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "quiet_context.hpp"
#include "rsync_fixture.hpp"
#include "scratch.hpp"

namespace mistamover::rsync::test {
namespace {

using mistamover::test::QuietContext;
using mistamover::test::read_file;
using mistamover::test::Scratch;
using mistamover::test::write_file;

// Puts with an rsync that does and says what a test wants: a script for the run that sends, and one for that
// which compares.
class ScriptedPut {
  public:
    ScriptedPut(const std::string& sending, const std::string& comparing) {
        write_file(rsync_, "#!/bin/sh\ncase \" $* \" in\n*' --dry-run '*)\nprintf '%s\\n' \"$@\" > '" +
                               (scratch_ / "compared").string() + "'\n" + comparing + "\n;;\n*)\n" + sending +
                               "\n;;\nesac\n");
        std::filesystem::permissions(rsync_, std::filesystem::perms::owner_all);
        settings.set("transport", "local");
        settings.set("cmd", rsync_);
        settings.values.work_dir = work_dir_;
    }
    // Puts files of these names, of `size` bytes each.
    Status put(const std::vector<std::string_view>& names) {
        for (const std::string_view name : names) {
            const std::filesystem::path file = source_.path() / name;
            write_file(file, "x");
            std::filesystem::resize_file(file, size);
        }
        const std::vector<PutItem> items = items_in(source_.path(), names);
        Shared shared(settings.get());
        Runner runner(shared, context);
        const CommandBuilder commands(shared.options, "", "", context.stall_timeout_ms());
        PutRequest request;
        request.source_root = source_.path().native();
        request.items = items;
        return PutBatch(runner, commands, shared, request, sink,
                        [this] {
                            ++probes;
                            return probed;
                        })
            .run();
    }
    // The arguments of the run that compared, a line each; empty where there was none.
    [[nodiscard]] std::string compared() const { return read_file(scratch_ / "compared"); }

    QuietContext context;
    Settings settings;
    PutEnds sink;
    std::uintmax_t size = 1;
    Status probed;  ///< What a look whether the target takes anything finds.
    int probes = 0;

  private:
    Scratch scratch_;
    Scratch source_;
    std::string work_dir_ = scratch_.path().string();
    std::string rsync_ = (scratch_ / "rsync").string();
};

constexpr const char* refusal =
    "echo 'rsync: [receiver] mkstemp \"/data/in/.mistamover-0/a.aB3dE6\" failed: Permission denied (13)' "
    ">&2\n"
    "echo 'rsync: [receiver] mkstemp \"/data/in/.mistamover-0/b.aB3dE6\" failed: Permission denied (13)' "
    ">&2\n"
    "exit 23";

constexpr const char* a_is_sent = "echo '<f+++++++++ 1 a'\n";

}  // namespace

TEST_CASE("of a batch that was refused in part, only what was told as sent is compared") {
    ScriptedPut trial(std::string(a_is_sent) + "echo '<f+++++++++ 1 c'\necho '<f+++++++++ 1 d'\n" + refusal,
                      "echo '.f          1 a'\necho '<f+++++++++ 1 c'");
    CHECK(trial.put({"a", "b", "c", "d"}).ok());
    REQUIRE(trial.sink.ends.size() == 4);
    CHECK(trial.sink.ends[0].ok());
    CHECK(trial.sink.ends[1].code() == StatusCode::permission);
    CHECK(trial.sink.ends[1].scope() == StatusScope::item);
    CHECK(trial.sink.ends[1].outcome_known());
    const std::string compared = trial.compared();
    for (const char* name : {"/./a\n", "/./c\n", "/./d\n"}) {
        CHECK_MESSAGE(compared.find(name) != std::string::npos, name);
    }
    CHECK(compared.find("/./b\n") == std::string::npos);

    // A receiver may have taken away what it had: it is not sent again before somebody has looked.
    for (const std::size_t in_doubt : {2U, 3U}) {
        CHECK_FALSE(trial.sink.ends[in_doubt].ok());
        CHECK(trial.sink.ends[in_doubt].scope() == StatusScope::item);
        CHECK_FALSE(trial.sink.ends[in_doubt].outcome_known());
    }
}

TEST_CASE("a target that takes nothing is not held against any item") {
    for (const bool told_as_sent : {false, true}) {
        ScriptedPut trial(told_as_sent ? std::string(a_is_sent) + refusal : refusal,
                          "echo '<f+++++++++ 1 a'");
        trial.probed = {StatusCode::permission, StatusScope::session, "takes nothing"};
        const Status status = trial.put({"a"});
        CHECK(status.code() == StatusCode::permission);
        CHECK(status.scope() == StatusScope::session);
        CHECK(trial.sink.ends.empty());
    }
}

TEST_CASE("whether the target takes anything is not asked where all has arrived") {
    ScriptedPut trial(std::string(a_is_sent) + refusal, "echo '.f          1 a'");
    CHECK(trial.put({"a"}).ok());
    CHECK(trial.sink.ends[0].ok());
    CHECK(trial.probes == 0);
}

TEST_CASE("a file system of the target that fails is not held against any item") {
    ScriptedPut trial(
        "echo 'rsync: [receiver] mkstemp \"/t/.mistamover-0/a.aB3dE6\" failed: Stale file handle (116)' >&2\n"
        "exit 23",
        "");
    const Status status = trial.put({"a", "b"});
    CHECK(status.code() == StatusCode::unreachable);
    CHECK(status.scope() == StatusScope::session);
    CHECK(trial.sink.ends.empty());
}

TEST_CASE("each item of a batch is told its own failure") {
    ScriptedPut trial(
        "echo 'could not make way for new regular file: b' >&2\n"
        "echo 'rsync: [sender] send_files failed to open \"/s/a\": Permission denied (13)' >&2\nexit 23",
        "");
    CHECK(trial.put({"a", "b"}).ok());
    CHECK(trial.sink.ends[0].code() == StatusCode::permission);
    CHECK(trial.sink.ends[0].text().find("cannot be read") != std::string_view::npos);
    CHECK(trial.sink.ends[1].code() == StatusCode::exists);
    CHECK(trial.probes == 0);
}

TEST_CASE("nothing is compared where nothing was told as sent") {
    ScriptedPut trial(refusal, "echo '.f          1 a'\necho '.f          1 b'");
    CHECK(trial.put({"a", "b"}).ok());
    REQUIRE(trial.sink.ends.size() == 2);
    for (const std::size_t index : {0U, 1U}) {
        CHECK(trial.sink.ends[index].code() == StatusCode::permission);
        CHECK(trial.sink.ends[index].outcome_known());
    }
    CHECK(trial.compared().empty());
}

TEST_CASE("what was refused is told though the comparison of the rest fails") {
    ScriptedPut trial(std::string(a_is_sent) + refusal, "exit 12");
    const Status status = trial.put({"a", "b"});
    CHECK(status.code() == StatusCode::connection_lost);
    CHECK(status.scope() == StatusScope::session);
    CHECK(trial.sink.ends.count(0) == 0);
    CHECK(trial.sink.ends[1].code() == StatusCode::permission);
}

TEST_CASE("a comparison may be silent for as long as it takes to read the files") {
    ScriptedPut trial("echo '<f+++++++++ 100000000 a'\n" + std::string(refusal),
                      "sleep 4\necho '.f          100000000 a'");
    trial.context.stall_ms = 1'500;
    trial.size = 100'000'000;
    const Status status = trial.put({"a"});
    CHECK_MESSAGE(status.ok(), status.text());
    CHECK(trial.sink.ends[0].ok());
}

TEST_CASE("a comparison that is silent for longer is given up") {
    ScriptedPut trial(std::string(a_is_sent) + refusal, "exec sleep 600");
    trial.context.stall_ms = 1'500;
    const Status status = trial.put({"a"});
    CHECK(status.code() == StatusCode::timed_out);
    CHECK(status.scope() == StatusScope::session);
    CHECK(trial.sink.ends.empty());
}

TEST_CASE("a put that compares contents may be silent for as long as it takes to read them") {
    ScriptedPut trial("sleep 4\necho '.f          100000000 a'", "exit 2");
    trial.settings.set("checksum", "true");
    trial.context.stall_ms = 1'500;
    trial.size = 100'000'000;
    const Status status = trial.put({"a"});
    CHECK_MESSAGE(status.ok(), status.text());
    CHECK(trial.sink.ends[0].ok());
}

TEST_CASE("a put may be silent for as long as it takes the target to write what it has got") {
    // The shell itself reads 20 MB. rsync says what it begins to send, and that may be well ahead of the
    // target.
    ScriptedPut trial(std::string(a_is_sent) +
                          "x=$(head -c 20000000 /dev/zero | tr '\\0' x)\necho '<f+++++++++ 1 b'\nsleep 4",
                      "exit 2");
    trial.context.stall_ms = 1'500;
    const Status status = trial.put({"a", "b"});
    CHECK_MESSAGE(status.ok(), status.text());
    CHECK(trial.sink.ends[0].ok());
    CHECK(trial.sink.ends[1].ok());
}

TEST_CASE("a put that does no more than keep its connection alive is given up") {
    // For a minute, four bytes are written every second, and nothing is read.
    ScriptedPut trial(
        "exec python3 -c 'import time\nsink = open(\"/dev/null\", \"wb\", 0)\n"
        "for _ in range(60):\n sink.write(b\"abcd\")\n time.sleep(1)'",
        "exit 2");
    trial.context.stall_ms = 2'500;
    const Status status = trial.put({"a"});
    CHECK(status.code() == StatusCode::timed_out);
    CHECK(status.scope() == StatusScope::session);
    CHECK(trial.sink.ends.empty());
}

TEST_CASE("a comparison is ended when the put is cancelled") {
    ScriptedPut trial("echo '<f+++++++++ 100000000 a'\n" + std::string(refusal), "exec sleep 600");
    trial.size = 100'000'000;
    trial.sink.is_cancelled = &trial.context.is_cancelled;  // when the end of b is told
    CHECK(trial.put({"a", "b"}).code() == StatusCode::cancelled);
    CHECK(trial.sink.ends.count(0) == 0);
    CHECK(trial.sink.ends.count(1) == 1);
}

}  // namespace mistamover::rsync::test
