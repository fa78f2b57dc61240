// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_writer.hpp"

#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>

#include "log_test_support.hpp"

namespace mistamover::logging {
namespace {

using test::lines_of;
using test::settings_for;
using test::TestDirectory;
using test::texts_of;
using test::texts_with_old_files;

Record info(std::string_view log_name, std::string_view text) {
    return {log_name, LogLevel::info, 1'000, text};
}

using Texts = std::vector<std::string>;

TEST_CASE("each record goes to its log, in order") {
    const TestDirectory directory;
    LogWriter writer(settings_for(directory.path() / "log"));
    const std::vector<Record> records{info("a", "1"), info("a", "2"), info("b", "3"), info("a", "4")};
    const auto progress = writer.write(records);
    CHECK(progress.error == 0);
    CHECK(progress.written == 4);
    CHECK(texts_of(directory.path() / "log/a.log") == Texts{"1", "2", "4"});
    CHECK(texts_of(directory.path() / "log/b.log") == Texts{"3"});
}

TEST_CASE("records of one message are spread over files by max_size") {
    const TestDirectory directory;
    auto settings = settings_for(directory.path());
    settings.max_size = ByteCount{100};
    settings.keep = 100;
    LogWriter writer(settings);
    Texts texts;
    for (int number = 0; number < 50; ++number) {
        texts.push_back("record " + std::to_string(number));
    }
    std::vector<Record> records;
    for (const std::string& text : texts) {
        records.push_back(info("a", text));
    }
    CHECK(writer.write(records).written == 50);
    CHECK(texts_with_old_files(directory.path() / "a.log") == texts);
    CHECK(std::filesystem::exists(directory.path() / "a.log.5"));
    for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
        CHECK(std::filesystem::file_size(file) <= 100);
    }
}

TEST_CASE("names of logs that lead elsewhere are not used") {
    for (const auto* const good : {"dtc_proj1", "a", "with space", "x.y", "\xC3\xA9"}) {
        CHECK(is_usable_log_name(good));
    }
    for (const auto* const bad : {"", ".", "..", ".hidden", "/etc/passwd", "a/b", "../a", "a\nb", "a\x7f"}) {
        CHECK_FALSE(is_usable_log_name(bad));
    }
    CHECK(is_usable_log_name(std::string(200, 'x')));
    CHECK_FALSE(is_usable_log_name(std::string(201, 'x')));
}

TEST_CASE("a record of an unusable log name goes to the controller's log and is noted once") {
    const TestDirectory directory;
    LogWriter writer(settings_for(directory.path() / "log"));
    const std::vector<Record> records{info("../evil", "one"), info("../evil", "two")};
    CHECK(writer.write(records).written == 2);
    writer.write_notes();
    const Texts texts = texts_of(directory.path() / "log/mistamover_ctl.log");
    REQUIRE(texts.size() == 3);
    CHECK(texts[0] == "../evil: one");
    CHECK(texts[1] == "../evil: two");
    CHECK(texts[2].starts_with("log \"../evil\": this is not usable"));
    CHECK_FALSE(std::filesystem::exists(directory.path() / "evil.log"));
}

TEST_CASE("a log whose file cannot be used costs no record and does not hold up the others") {
    const TestDirectory directory;
    std::filesystem::create_directory(directory.path() / "a.log");
    LogWriter writer(settings_for(directory.path()));
    CHECK(writer.write(std::vector{info("a", "one"), info("b", "two"), info("a", "three")}).written == 3);
    writer.write_notes();
    CHECK(texts_of(directory.path() / "b.log") == Texts{"two"});
    Texts texts = texts_of(directory.path() / "mistamover_ctl.log");
    REQUIRE(texts.size() == 3);
    CHECK(texts[0] == "a: one");
    CHECK(texts[1] == "a: three");
    CHECK(texts[2].find("Is a directory") != std::string::npos);

    std::filesystem::remove(directory.path() / "a.log");
    CHECK(writer.write(std::vector{info("a", "four")}).written == 1);
    CHECK(texts_of(directory.path() / "a.log") == Texts{"four"});

    std::filesystem::remove(directory.path() / "a.log");
    std::filesystem::create_directory(directory.path() / "a.log");
    CHECK(writer.write(std::vector{info("a", "five")}).written == 1);
    writer.write_notes();
    texts = texts_of(directory.path() / "mistamover_ctl.log");
    REQUIRE(texts.size() == 5);
    CHECK(texts[4].find("Is a directory") != std::string::npos);
}

TEST_CASE("a rotation that fails is noted once") {
    const TestDirectory directory;
    std::filesystem::create_directories(directory.path() / "a.log.1/full");
    auto settings = settings_for(directory.path());
    settings.max_size = ByteCount{30};
    settings.keep = 1;
    LogWriter writer(settings);
    for (const auto* const text : {"one", "two", "three"}) {
        CHECK(writer.write(std::vector{info("a", text)}).written == 1);
        writer.write_notes();
    }
    CHECK(texts_of(directory.path() / "a.log") == Texts{"one", "two", "three"});
    const Texts notes = texts_of(directory.path() / "mistamover_ctl.log");
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].find("cannot be rotated") != std::string::npos);
}

TEST_CASE("a full disk stops at the record that does not go in, and nothing is written twice after it") {
    const TestDirectory directory;
    LogWriter writer(settings_for(directory.path()));
    const std::string large(5000, 'x');
    const std::vector<Record> records{info("a", "one"), info("b", large), info("a", "three")};
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    test::limit_file_size(0, 4096);
    const auto progress = writer.write(records);
    test::lift_file_size_limit(0);
    std::signal(SIGXFSZ, previous);
    CHECK(progress.written == 1);
    CHECK(progress.error == EFBIG);
    CHECK(progress.file == directory.path() / "b.log");
    CHECK(lines_of(directory.path() / "b.log").empty());
    CHECK(writer.write(std::span(records).subspan(progress.written)).written == 2);
    CHECK(texts_of(directory.path() / "a.log") == Texts{"one", "three"});
    CHECK(texts_of(directory.path() / "b.log") == Texts{large});
}

TEST_CASE("notes that cannot be written are kept") {
    const TestDirectory directory;
    std::filesystem::create_directory(directory.path() / "mistamover_ctl.log");
    LogWriter writer(settings_for(directory.path()));
    for (int number = 0; number < 105; ++number) {
        writer.note(LogLevel::warning, "note " + std::to_string(number));
    }
    writer.write_notes();
    std::filesystem::remove(directory.path() / "mistamover_ctl.log");
    writer.write_notes();
    const Texts notes = texts_of(directory.path() / "mistamover_ctl.log");
    REQUIRE(notes.size() == 100);
    CHECK(notes.front() == "note 5");
    CHECK(notes.back() == "note 104");
}

TEST_CASE("changed settings hold from the next record on") {
    const TestDirectory directory;
    LogWriter writer(settings_for(directory.path() / "one"));
    CHECK(writer.write(std::vector{info("a", "text")}).written == 1);
    auto settings = settings_for(directory.path() / "two");
    settings.json = true;
    writer.change_settings(settings);
    CHECK(writer.write(std::vector{info("a", "json")}).written == 1);
    CHECK(texts_of(directory.path() / "one/a.log") == Texts{"text"});
    CHECK(lines_of(directory.path() / "two/a.log") ==
          Texts{R"({"time":"1970-01-01T00:00:01.000Z","level":"INFO","log":"a","text":"json"})"});
}

TEST_CASE("a directory in which no log can be written is told with the file and the reason") {
    const TestDirectory directory;
    CHECK(why_unusable(directory.path() / "new/log").empty());
    CHECK(why_unusable(directory.path() / "new/log").empty());
    CHECK(why_unusable("/dev/null/x") == "/dev/null/x/mistamover_ctl.log: Not a directory");
    const auto log = directory.path() / "mistamover_ctl.log";
    std::filesystem::create_directory(log);
    CHECK(why_unusable(directory.path()) == log.string() + ": Is a directory");
}

}  // namespace
}  // namespace mistamover::logging
