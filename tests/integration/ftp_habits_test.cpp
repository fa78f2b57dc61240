// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <chrono>
#include <doctest/doctest.h>

#include "ftp_scripted_site.hpp"

/// What a server does for as long as it is set up that way.
namespace mistamover::test {
namespace {

constexpr char forbidden[] = "550 Permission denied";
constexpr char offers_no_mlst[] = "211-Features:\r\n EPSV\r\n SIZE\r\n211 End";

bool is_quarantined(const ScriptedSite& site, const std::string& name) {
    return std::filesystem::exists(site.source() / "quarantine" / name);
}

bool stream_says(const ScriptedSite& site, const std::string& words) {
    return eventually([&] { return site.log("dtc_p").find(words) != std::string::npos; });
}

/// A one-off run that stops with these words, and keeps the file.
void check_stops(const ScriptedSite& site, const std::string& words) {
    write_file(site.source() / "f", "new");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code != 0, result.output);
    CHECK_MESSAGE(stream_says(site, "(configuration)"), site.logs());
    CHECK_MESSAGE(stream_says(site, words), site.logs());
    CHECK(read_file(site.source() / "f") == "new");
}

/// `second` would be stored over `first`: it is given up, and what is there stays.
void check_kept_apart(ScriptedSite& site, const std::string& first, const std::string& second) {
    CAPTURE(second);
    const Daemon daemon(site);
    site.check_carries({first});
    write_file(site.source() / second, "another");
    REQUIRE_MESSAGE(eventually([&] { return is_quarantined(site, second); }), site.logs());
    CHECK(read_file(site.source() / "quarantine" / second) == "another");
    CHECK(files_below(site.target()) == std::set{first});
    CHECK(read_file(site.target() / first) == first);
    CHECK_MESSAGE(stream_says(site, "the server changes the name"), site.logs());
}

}  // namespace

TEST_SUITE_BEGIN("ftp_habits");

TEST_CASE("a server that changes names is not given one that would become another's") {
    const auto underscores = [](auto is_changed) {
        return [is_changed](std::string name) {
            std::replace_if(name.begin(), name.end(), is_changed, '_');
            return name;
        };
    };
    ScriptedSite site("retry_count: 0");
    SUBCASE("a blank") {
        site.server.change_names(underscores([](char c) { return c == ' '; }));
        check_kept_apart(site, "a_b", "a b");
    }
    SUBCASE("what is not ASCII") {
        site.server.change_names(
            underscores([](char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; }));
        check_kept_apart(site, "a__b", "a\303\244b");
    }
    SUBCASE("a dot at the end") {
        site.server.change_names([](const std::string& name) {
            return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
        });
        check_kept_apart(site, "a", "a.");
    }
    SUBCASE("what a long name ends with") {
        site.server.change_names([](const std::string& name) { return name.substr(0, 60); });
        check_kept_apart(site, std::string(60, 'n'), std::string(60, 'n') + "2");
    }
    SUBCASE("a blank, where MLST alone shows it") {
        site.server.change_names(underscores([](char c) { return c == ' '; }));
        site.server.always_answer("MLSD", forbidden);
        check_kept_apart(site, "a_b", "a b");
    }
}

TEST_CASE("a server that takes names for one which differ in case, and shows its own, loses no file") {
    std::string publish = "rename";
    SUBCASE("by its temporary directory it is known") {}
    SUBCASE("where no directory may be made it is assumed") {
        publish = "direct";
    }
    ScriptedSite site("retry_count: 0, publish: " + publish);
    site.server.take_case_for_one();
    if (publish == "direct") {
        site.server.always_answer("MKD", forbidden);
    }
    const Daemon daemon(site);
    site.check_carries({"Report"});
    write_file(site.source() / "report", "other!");
    REQUIRE_MESSAGE(eventually([&] { return is_quarantined(site, "report"); }), site.logs());
    CHECK(read_file(site.source() / "quarantine/report") == "other!");
    CHECK(files_below(site.target()) == std::set<std::string>{"Report"});
    CHECK(read_file(site.target() / "Report") == "Report");
    CHECK_MESSAGE(stream_says(site, "the target takes this name for another's"), site.logs());
}

TEST_CASE("of files of one batch that such a server takes for one, none is lost") {
    ScriptedSite site("retry_count: 0");
    site.server.take_case_for_one();
    const std::set<std::string> contents{"first!", "second", "third!"};
    write_file(site.source() / "DATA", "first!");
    write_file(site.source() / "data", "second");
    write_file(site.source() / "Data", "third!");
    CHECK(site.one_off().exit_code != 0);
    std::set<std::string> kept;
    for (const auto& directory : {site.target(), site.source() / "quarantine"}) {
        for (const std::string& name : names_in(directory)) {
            kept.insert(read_file(directory / name));
        }
    }
    CHECK_MESSAGE(kept == contents, site.logs());
    CHECK(names_in(site.source()) == std::set<std::string>{"quarantine"});
}

TEST_CASE("a file whose content the server refuses is that unit's own, and the others go on") {
    ScriptedSite site("retry_count: 0");
    site.server.refuse_content("a virus", "550 Infected");
    write_file(site.source() / "ill", "a virus");
    write_file(site.source() / "well", "well");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return is_quarantined(site, "ill"); }), site.logs());
    CHECK_MESSAGE(eventually([&] { return files_below(site.target()) == std::set<std::string>{"well"}; }),
                  site.logs());
    CHECK_MESSAGE(site.server.count("USER") == 1, site.logs());
}

TEST_CASE("a disk whose want of room is told, when a file was sent, as a refusal of it costs no file a try") {
    ScriptedSite site("retry_count: 0");
    site.server.refuse_content("much", "550 There is not enough space on the disk.");
    write_file(site.source() / "f", "much");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(stream_says(site, "(no_space)"), site.logs());
    site.server.refuse_content("", "");
    REQUIRE_MESSAGE(eventually([&] { return files_below(site.target()) == std::set<std::string>{"f"}; }),
                    site.logs());
    CHECK_FALSE(is_quarantined(site, "f"));
}

TEST_CASE("a server that takes no file any more, or none for the moment, costs no file a try") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"before"});
    const auto refuse_until = [&](const char* reply, const char* words) {
        site.server.always_answer("STOR", reply);
        write_file(site.source() / "later", "later");
        REQUIRE_MESSAGE(stream_says(site, words), site.logs());
        site.server.always_answer("STOR", "");
    };
    SUBCASE("any more") {
        refuse_until(forbidden, "(permission)");
    }
    SUBCASE("any more, by a number that stands for a command that is not there") {
        refuse_until("502 Command not implemented", "(unsupported)");
    }
    SUBCASE("any more, by one that stands for a command that is not known") {
        refuse_until("500 Unknown command", "(unsupported)");
    }
    SUBCASE("for the moment") {
        site.server.answer("STOR", "450 Busy");
    }
    site.check_carries({"later"});
}

TEST_CASE("where nothing may be made or listed, it is said once that names may meet") {
    ScriptedSite site("publish: direct");
    site.server.always_answer("MKD", forbidden);
    site.server.always_answer("MLSD", forbidden);
    const Daemon daemon(site);
    site.check_carries({"a"});
    site.check_carries({"b"});
    CHECK_MESSAGE(count_of("whether it takes names for one", site.log("ftp_p")) == 1, site.logs());
}

TEST_CASE("ordinary names with a blank are tried out once") {
    ScriptedSite site;
    const Daemon daemon(site);
    std::set<std::string> names{"r\303\251sum\303\251 + more.txt"};
    for (int number = 0; number < 30; ++number) {
        names.insert("a file " + std::to_string(number));
    }
    site.check_carries(names);
    // Made and removed, for either kind of name.
    CHECK_MESSAGE(count_of("/kept.", site.server.log()) <= 4, site.logs());
    CHECK_MESSAGE(count_of("/kept.", site.server.log()) >= 2, site.logs());
}

TEST_CASE("a server that stores beside what is there, instead of over it, stops the stream") {
    for (const char* publish : {"direct", "rename"}) {
        CAPTURE(publish);
        ScriptedSite site("publish: " + std::string(publish));
        site.server.keep_existing();
        write_file(site.target() / "f", "old");
        check_stops(site, "AutoRename");
        CHECK(read_file(site.target() / "f") == "old");
    }
}

TEST_CASE("a server that tells no size stops the stream at its start") {
    ScriptedSite site;
    site.server.always_answer("FEAT", offers_no_mlst);
    site.server.always_answer("SIZE", forbidden);
    check_stops(site, "SIZE or MLST");
}

TEST_CASE("where SIZE is forbidden, MLST proves a file") {
    ScriptedSite site;
    site.server.always_answer("SIZE", forbidden);
    const Daemon daemon(site);
    site.check_carries({"a", "b", "with blank"});
    site.check_without_a_word();
}

TEST_CASE("files are carried directly where no directory may be made") {
    ScriptedSite site("publish: direct");
    site.server.always_answer("MKD", forbidden);
    const Daemon daemon(site);
    site.check_carries({"a", "with blank"});
    site.check_without_a_word();
}

TEST_CASE("where no directory may be made, a stream that publishes by renaming is told what to set") {
    ScriptedSite site;
    site.server.always_answer("MKD", forbidden);
    check_stops(site, "outgoing.publish: direct");
}

TEST_CASE("a server that lists nothing is sent files, and its temporary directory is left to itself") {
    ScriptedSite site;
    site.server.always_answer("MLSD", forbidden);
    const Daemon daemon(site);
    site.check_carries({"plain", "with blank", std::string(100, 'n')});
    site.check_without_a_word();
}

TEST_CASE("a file whose name has a line break in it hides no other from the target's listing") {
    ScriptedSite site;
    write_file(site.target() / "line\nbreak", "x");
    site.server.always_answer("MLST", "550 Not for you", ".stop");
    write_file(site.source() / "f", "f");
    const Daemon daemon(site);
    CHECK_MESSAGE(eventually([&] { return !std::filesystem::exists(site.source() / "f"); }), site.logs());
    CHECK(read_file(site.target() / "f") == "f");
}

TEST_CASE("a line that is not understood holds up nothing where no directory may be made") {
    ScriptedSite site("retry_count: 0, publish: direct");
    site.server.always_answer("MKD", forbidden);
    write_file(site.target() / "line\nbreak", "x");
    const Daemon daemon(site);
    for (const char* name : {"f", "g"}) {
        write_file(site.source() / name, name);
        REQUIRE_MESSAGE(eventually([&] { return !std::filesystem::exists(site.source() / name); }),
                        site.logs());
        CHECK(read_file(site.target() / name) == name);
    }
    CHECK_FALSE(std::filesystem::exists(site.source() / "quarantine"));
}

TEST_CASE("a line that is not understood leaves open what it might name") {
    ScriptedSite site("retry_count: 0");
    write_file(site.target() / "line\nand .stop", "x");
    site.server.always_answer("MLST", "550 Not for you", ".stop");
    write_file(site.source() / "f", "f");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code != 0);
    CHECK_MESSAGE(stream_says(site, "cannot be told whether the target has a stop file"), site.logs());
    CHECK(read_file(site.source() / "f") == "f");
}

TEST_CASE("a target that takes no name at all costs no file a try") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"before"});
    SUBCASE("550") {
        site.server.always_answer("RNTO", forbidden);
    }
    SUBCASE("451") {
        site.server.always_answer("RNTO", "451 Rename failed");
    }
    SUBCASE("what is to be renamed") {
        site.server.always_answer("RNFR", forbidden);
    }
    write_file(site.source() / "later", "later");
    REQUIRE_MESSAGE(eventually([&] { return stream_says(site, "(permission)"); }), site.logs());
    site.server.always_answer("RNTO", "");
    site.server.always_answer("RNFR", "");
    site.check_carries({"later"});
}

TEST_CASE("a server that is busy when a file is to be published costs it no try") {
    for (const char* verb : {"SIZE", "RNFR", "RNTO"}) {
        CAPTURE(verb);
        ScriptedSite site("retry_count: 0");
        const Daemon daemon(site);
        site.check_carries({"before"});
        site.server.answer(verb, "450 Busy");
        site.check_carries({"later"});
    }
}

TEST_CASE("a name that is refused is that unit's own, and the others go on") {
    ScriptedSite site("retry_count: 0");
    site.server.always_answer("RNTO", "553 No such name", "refused");
    write_file(site.source() / "refused", "x");
    write_file(site.source() / "plain", "plain");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return is_quarantined(site, "refused"); }), site.logs());
    CHECK(eventually([&] { return files_below(site.target()) == std::set<std::string>{"plain"}; }));
    CHECK_MESSAGE(site.server.count("USER") == 1, site.logs());
}

TEST_CASE("a login that is lost in the midst of work is made again") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"before"});
    for (const char* reply : {"530 Not logged in", "534 Not now"}) {
        site.server.answer("STOR", reply);
        site.check_carries({std::string("f").append(reply, 3)});
    }
    CHECK_FALSE_MESSAGE(stream_says(site, "CRITICAL"), site.logs());
}

TEST_CASE("a mirror at a server with MLSD whose clock is wrong sends what has changed, and that alone") {
    for (const std::chrono::hours ahead : {std::chrono::hours{1}, std::chrono::hours{-5}}) {
        CAPTURE(ahead.count());
        ScriptedSite site("transfer_mode: mirror");
        site.server.put_clock_ahead(ahead);
        const auto kept = site.source() / "kept";
        write_file(kept, "kept");
        std::filesystem::last_write_time(
            kept, std::filesystem::file_time_type::clock::now() - std::chrono::hours{1});
        write_file(site.source() / "changed", "before");
        check_delivers_all(site);
        write_file(site.source() / "changed", "after!");
        check_delivers_all(site);
        CHECK_MESSAGE(read_file(site.target() / "changed") == "after!", site.logs());
        CHECK_MESSAGE(count_of("sent kept", site.log("dtc_p")) == 1, site.logs());
    }
}

TEST_CASE("where MFMT is offered and refused, a mirror sends only what has changed") {
    ScriptedSite site("transfer_mode: mirror");
    site.server.always_answer("FEAT",
                              "211-Features:\r\n EPSV\r\n MFMT\r\n MLST type*;size*;modify*;\r\n SIZE\r\n"
                              "211 End");
    site.server.always_answer("MFMT", forbidden);
    const auto kept = site.source() / "kept";
    write_file(kept, "kept");
    std::filesystem::last_write_time(kept,
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours{1});
    write_file(site.source() / "changed", "before");
    check_delivers_all(site);
    write_file(site.source() / "changed", "after!");
    check_delivers_all(site);
    CHECK_MESSAGE(read_file(site.target() / "changed") == "after!", site.logs());
    CHECK_MESSAGE(count_of("sent kept", site.log("dtc_p")) == 1, site.logs());
}

TEST_SUITE_END();

}  // namespace mistamover::test
