// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <set>

#include "breaking_site.hpp"
#include "faulty_site.hpp"
#include "ftp_scripted_site.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// One that the doubling of the byte 255 would change: the scripted server does not undo that.
constexpr char name_with_255[] = "\xff\xfe bytes";

/// A stream whose session stays logged in.
struct IdleStream {
    ScriptedSite site;
    Daemon daemon{site};
};

/// What keeps a command from telling what it should, for this time; without a reply the connection breaks.
struct Hitch {
    const char* verb;
    const char* reply;
    const char* about;
};

void add_hitch(ScriptedFtp& server, const Hitch& hitch) {
    if (*hitch.reply == '\0') {
        server.drop_at(hitch.verb, 0, hitch.about);
    } else {
        server.answer(hitch.verb, hitch.reply, hitch.about);
    }
}

constexpr char busy[] = "450 Busy";
constexpr char ended[] = "421 Timeout";
constexpr char broken[] = "";
/// All that the scripted server can do, and a checksum, which it is then asked for in vain.
constexpr char offers_checksums[] =
    "211-Features:\r\n EPSV\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n XMD5\r\n211 End";
/// The same by another command.
constexpr char offers_hash[] =
    "211-Features:\r\n EPSV\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n HASH "
    "MD5*;SHA-1\r\n211 End";
/// In the names that the probes try out: of the byte 255, and of odd names.
constexpr char doubled_255[] = "\xff\xff";
constexpr char odd[] = "/ kept.";

/// For all that a probe of the byte 255 asks the server.
constexpr std::array hitches_with_255{Hitch{"STOR", busy, doubled_255},
                                      Hitch{"STOR", "452 No space", doubled_255}, Hitch{"MLSD", busy, ""}};

void check_carries_despite(const Hitch& hitch, const std::set<std::string>& names) {
    CAPTURE(hitch.verb);
    CAPTURE(hitch.reply);
    ScriptedSite site;
    add_hitch(site.server, hitch);
    const Daemon daemon(site);
    site.check_carries(names);
}

/// What a receiver answers who is content with what a control file tells of "f".
std::string good_receipt_for(const std::string& control) {
    const std::size_t begin = control.find('\n') + 1;
    std::size_t end = begin;
    for (int line = 0; line < 3; ++line) {  // of name, size and checksum
        end = control.find('\n', end) + 1;
    }
    std::string told = control.substr(begin, end - begin);
    told.insert(told.find('\n'), "\n0");
    return "_start_stager_receipt_data_\n" + told + ".f.1.00.stager-thanks-bss\n_end_stager_receipt_data_\n";
}

std::string receipt_name_in(const std::string& control) {
    const std::size_t end = control.rfind("\n_end_");
    const std::size_t begin = control.rfind('\n', end - 1) + 1;
    return control.substr(begin, end - begin);
}

}  // namespace

TEST_SUITE_BEGIN("ftp_scripted");

TEST_CASE("a connection that ends in the midst of the probes is made again, and they are made again") {
    for (const char* reply : {broken, ended}) {
        for (const char* verb : {"MKD", "EPSV", "STOR", "RNFR", "RNTO", "DELE", "MLSD"}) {
            check_carries_despite({verb, reply, ""}, {"plain", name_with_255, " blanks "});
        }
        check_carries_despite({"STOR", reply, doubled_255}, {"plain", name_with_255, " blanks "});
    }
}

TEST_CASE("a server that is busy while it is tried out whether a rename replaces a file is tried again") {
    check_carries_despite({"STOR", busy, ""}, {"plain"});
    check_carries_despite({"RNFR", busy, ""}, {"plain"});
    check_carries_despite({"RNTO", busy, ""}, {"plain"});
}

TEST_CASE("a server that cannot be asked at first how it reads the byte 255 is asked by the next session") {
    for (const Hitch& hitch : hitches_with_255) {
        CAPTURE(hitch.verb);
        CAPTURE(hitch.reply);
        ScriptedSite site;
        add_hitch(site.server, hitch);
        const Daemon daemon(site);
        site.check_carries({"plain"});
        // The next command of all; it ends the session.
        site.server.drop_at("MLST");
        site.check_carries({name_with_255});
    }
}

TEST_CASE("a name with the byte 255 is right even where it could not be asked at first how that is read") {
    for (const Hitch& hitch : hitches_with_255) {
        check_carries_despite(hitch, {"plain", name_with_255});
    }
}

TEST_CASE("whatever a server refuses at a login that has worked before, it is tried again") {
    for (const Hitch& hitch : {Hitch{"PASS", "500 OOPS: cannot change directory:/home/mover", ""},
                               Hitch{"TYPE", "504 Not now", ""}}) {
        CAPTURE(hitch.verb);
        ScriptedSite site;
        const Daemon daemon(site);
        site.check_carries({"before"});
        // The next command of all; it ends the session.
        site.server.drop_at("MLST");
        add_hitch(site.server, hitch);
        site.check_carries({"after"});
        CHECK_MESSAGE(site.log("dtc_p").find("CRITICAL") == std::string::npos, site.logs());
    }
}

TEST_CASE("a data connection whose encryption has failed is made again") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"plain"});
    site.server.answer("STOR", "150 Go on\r\n522 SSL connection failed");
    site.check_carries({"reset"});
    CHECK_MESSAGE(site.log("dtc_p").find("CRITICAL") == std::string::npos, site.logs());
}

TEST_CASE("a mirror removes no wrong file for a name with the byte 255, nor any before it knows the rule") {
    ScriptedSite site("transfer_mode: mirror");
    const std::string kept = doubled_255;
    write_file(site.source() / kept, "kept");
    write_file(site.target() / kept, "kept");
    write_file(site.target() / "\xff", "vanished");
    // It is the same file for certain: nothing is sent, by which the rule would be learnt.
    fs::last_write_time(site.target() / kept, fs::file_time_type::clock::now() + std::chrono::hours{1});
    // At the login, and before it is removed; then it is told.
    site.server.answer("STOR", busy, doubled_255);
    site.server.answer("STOR", busy, doubled_255);
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.logs());
    CHECK(site.server.script_done());
    CHECK_MESSAGE(files_below(site.target()) == std::set{kept}, site.logs());
    CHECK(read_file(site.target() / kept) == "kept");
    CHECK(count_of("DELE " + kept + '\n', site.server.log()) == 0);
    CHECK(site.log("dtc_p").find("cannot be told how the server reads the byte 255") != std::string::npos);
}

TEST_CASE("a mirror removes a link that is shown as a directory, and nothing that lies behind it") {
    ScriptedSite site("transfer_mode: mirror");
    const Scratch elsewhere;
    write_file(elsewhere / "archive/a", "a");
    write_file(elsewhere / "archive/below/b", "b");
    write_file(site.source() / "f", "f");
    write_file(site.target() / "old/real/c", "c");
    // The scripted server shows where links lead, as ProFTPD does with ShowSymlinks off.
    fs::create_directory_symlink(elsewhere / "archive", site.target() / "latest");
    fs::create_directory_symlink(elsewhere / "archive", site.target() / "old/real/link");
    std::set<std::string> left{"f"};
    bool all_done = true;
    SUBCASE("the link goes") {}
    SUBCASE("it stays, with all that is behind it, where the server does not delete it for now") {
        site.server.always_answer("DELE", busy, "latest");
        left.insert("latest");
        all_done = false;
    }
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE((result.exit_code == 0) == all_done, result.output << site.logs());
    CHECK_MESSAGE(read_file(elsewhere / "archive/a") == "a", site.logs());
    CHECK(read_file(elsewhere / "archive/below/b") == "b");
    CHECK_MESSAGE(count_of("> DELE latest/", site.server.log()) == 0, site.logs());
    CHECK_MESSAGE(names_in(site.target()) == left, site.logs());
}

TEST_CASE("what changes while the server is at the end of an upload is sent by the next pass of a mirror") {
    ScriptedSite site("transfer_mode: mirror, publish: direct");
    const fs::path source = site.source() / "changing";
    // By its time it is older than what the server stores now, as where the server takes a minute for that.
    const auto change = [&] {
        write_file(source, "second");
        fs::last_write_time(source, fs::file_time_type::clock::now() - std::chrono::minutes{1});
    };
    site.server.at_end_of_upload(change, "changing");
    write_file(source, "first!");
    const Daemon daemon(site);
    CHECK_MESSAGE(eventually([&] { return read_file(site.target() / "changing") == "second"; }), site.logs());
    CHECK(site.server.script_done());
}

TEST_CASE("a rename that a server comes to late puts no earlier state of a file in the place of a later") {
    std::atomic<std::size_t> renames{0};
    std::atomic<bool> is_late{false};
    ScriptedSite site("", "timeout: 2s");
    const std::string later(9 * megabyte, 'l');
    const fs::path source = site.source() / "precious";
    const fs::path target = site.target() / "precious";
    // The session gives up meanwhile, and another one sends the file.
    const auto wait = [&] {
        write_file(site.home() / "later", later);
        fs::rename(site.home() / "later", source);
        const auto published = [&] { return count_of("< 250 Renamed", site.server.log()); };
        const std::size_t before = published();
        (void)eventually([&] { return published() > before; });
        renames = count_of("enamed", site.server.log());
        is_late = true;
    };
    site.server.meanwhile("RNTO", wait, "precious");
    write_file(source, megabytes(9));
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return is_late.load(); }, std::chrono::seconds{90}), site.logs());
    REQUIRE_MESSAGE(eventually([&] { return count_of("enamed", site.server.log()) > renames; }), site.logs());
    REQUIRE_MESSAGE(eventually([&] { return !fs::exists(source); }), site.logs());
    CHECK((read_file(target) == later));
}

TEST_CASE("a full server costs an odd name no try") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"plain"});
    site.server.answer("STOR", "452 No space", odd);
    site.check_carries({" blanks "});
    CHECK_MESSAGE(eventually([&] { return site.log("dtc_p").find("(no_space)") != std::string::npos; }),
                  site.logs());
}

TEST_CASE("a full server costs a name with the byte 255 no try, and the server is asked again") {
    ScriptedSite site("retry_count: 0");
    site.server.answer("STOR", busy, doubled_255);
    const Daemon daemon(site);
    site.check_carries({"plain"});
    // Not known since the login, and asked for again before such a name is sent.
    site.server.answer("STOR", "452 No space", doubled_255);
    site.check_carries({name_with_255});
    CHECK_MESSAGE(eventually([&] { return site.log("dtc_p").find("(no_space)") != std::string::npos; }),
                  site.logs());
}

TEST_CASE("a server that is busy when it is asked how it reads the byte 255 is asked later, then no more") {
    ScriptedSite site;
    site.server.answer("STOR", busy, doubled_255);
    const Daemon daemon(site);
    site.check_carries({"plain"});
    site.server.answer("STOR", busy, doubled_255);
    site.check_carries({name_with_255});
    CHECK_MESSAGE(site.server.count("USER") == 1, site.logs());
    const auto times_asked = [&] { return count_of(std::string(doubled_255) + '\n', site.server.log()); };
    // Twice in vain; then the file was made, and removed.
    CHECK_MESSAGE(times_asked() == 4, site.logs());
    site.check_carries({name_with_255 + std::string(" more")});
    CHECK_MESSAGE(times_asked() == 4, site.logs());
}

TEST_CASE("a server that cannot say for a moment whether it keeps odd names is asked again") {
    for (const char* reply : {busy, ended, broken}) {
        for (const Hitch& hitch : {Hitch{"STOR", reply, odd}, Hitch{"MLSD", reply, ""}}) {
            CAPTURE(hitch.verb);
            CAPTURE(hitch.reply);
            ScriptedSite site;
            const Daemon daemon(site);
            site.check_carries({"plain"});
            // Behind the first session's own probes: the next such command is that of this one.
            add_hitch(site.server, hitch);
            site.check_carries({" blanks ", "tab\there"});
        }
    }
}

TEST_CASE("an idle connection whose server answers a NOOP in its own way costs no file, and no word") {
    struct Case {
        const char* reply;
        std::size_t logins;
    };
    const std::array cases{Case{"200 OK", 1}, Case{"250 OK", 1}, Case{"500 What", 2}, Case{ended, 2},
                           Case{broken, 2}};
    std::array<IdleStream, 5> streams;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        streams[i].site.check_carries({"before"});
        add_hitch(streams[i].site.server, {"NOOP", cases[i].reply, ""});
    }
    // A connection is in doubt once it has been idle for 30 s.
    const auto idle_since = Clock::now();
    REQUIRE(eventually([&] { return Clock::now() - idle_since > std::chrono::seconds{31}; }));
    for (std::size_t i = 0; i < cases.size(); ++i) {
        CAPTURE(cases[i].reply);
        ScriptedSite& site = streams[i].site;
        site.check_carries({"after"});
        CHECK_MESSAGE(site.server.count("NOOP") == 1, site.logs());
        CHECK_MESSAGE(site.server.count("USER") == cases[i].logins, site.logs());
        site.check_without_a_word();
    }
}

TEST_CASE("a file that is published directly arrives whatever is answered to the NOOP behind it") {
    ScriptedSite site("publish: direct");
    bool ends_session = false;
    SUBCASE("250") {
        site.server.always_answer("NOOP", "250 OK");
    }
    SUBCASE("500") {
        site.server.always_answer("NOOP", "500 What");
    }
    SUBCASE("421") {
        site.server.answer("NOOP", ended);
        ends_session = true;
    }
    SUBCASE("nothing, the connection breaks") {
        site.server.drop_at("NOOP");
        ends_session = true;
    }
    const Daemon daemon(site);
    site.check_carries({"a", "b", "c"});
    CHECK(site.server.count("NOOP") >= 3);
    if (!ends_session) {
        site.check_without_a_word();
    }
}

TEST_CASE("a server that refuses a file and closes its port at once is heard") {
    struct Case {
        const char* refusal;
        const char* code;
        std::size_t logins;
    };
    for (const Case& refused :
         {Case{"550 Not here", "(permission)", 1}, Case{"553 No such name", "(permission)", 1},
          Case{"552 Over quota", "(no_space)", 2}}) {
        CAPTURE(refused.refusal);
        ScriptedSite site("publish: direct");
        const Daemon daemon(site);
        site.check_carries({"plain"});
        // Nobody listens there.
        site.server.answer("EPSV", "229 Entering Extended Passive Mode (|||1|)");
        site.server.answer("STOR", refused.refusal);
        site.check_carries({"refused"});
        const auto says = [&](const char* code) { return site.log("dtc_p").find(code) != std::string::npos; };
        CHECK_MESSAGE(eventually([&] { return says(refused.code); }), site.logs());
        CHECK_FALSE_MESSAGE(says("(unreachable)"), site.logs());
        CHECK_MESSAGE(site.server.count("USER") == refused.logins, site.logs());
    }
}

TEST_CASE("a port that cannot be reached is told as such while the server waits for the connection") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"plain"});
    site.server.answer("EPSV", "229 Entering Extended Passive Mode (|||1|)");
    site.server.answer("STOR", "150 Waiting for you");
    site.check_carries({"later"});
    CHECK_MESSAGE(eventually([&] { return site.log("dtc_p").find("(unreachable)") != std::string::npos; }),
                  site.logs());
}

TEST_CASE("a port that cannot be reached is told as such while the server says nothing at all") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"plain"});
    site.server.answer("EPSV", "229 Entering Extended Passive Mode (|||1|)");
    site.server.ignore("STOR");
    site.check_carries({"later"});
    const auto says = [&](const char* code) { return site.log("dtc_p").find(code) != std::string::npos; };
    CHECK_MESSAGE(eventually([&] { return says("(unreachable)"); }), site.logs());
    CHECK_FALSE_MESSAGE(says("(timed_out)"), site.logs());
}

TEST_CASE("a command that is never answered, for it got no port, is not waited for") {
    ScriptedSite site("retry_count: 0");
    const Daemon daemon(site);
    site.check_carries({"plain"});
    // As ProFTPD does where two of its processes choose the same port.
    site.server.answer("EPSV", "425 EPSV: Address already in use");
    site.server.ignore("STOR");
    site.check_carries({"later"});
    CHECK_MESSAGE(site.server.count("USER") == 1, site.logs());
    site.check_without_a_word();
}

TEST_CASE("a file that is refused takes nothing away from under its name") {
    ScriptedSite site("publish: direct");
    const std::string content = megabytes(1);
    write_file(site.target() / "large", "an earlier one");
    write_file(site.source() / "large", content);
    site.server.answer("STOR", "553 Not over another", "large");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return !fs::exists(site.source() / "large"); }), site.logs());
    CHECK((read_file(site.target() / "large") == content));
    CHECK_MESSAGE(site.server.log().find("> DELE large") == std::string::npos, site.logs());
    CHECK(site.server.script_done());
    // Of a refusal no end is waited for.
    CHECK_MESSAGE(site.server.count("USER") == 1, site.logs());
}

TEST_CASE("a file published directly whose size is refused is neither delivered nor taken away") {
    ScriptedSite site("publish: direct, retry_count: 1");
    site.server.always_answer("SIZE", "550 Not for you", "nobody");
    write_file(site.source() / "nobody", "x");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return fs::exists(site.source() / "quarantine/nobody"); }), site.logs());
    CHECK(read_file(site.source() / "quarantine/nobody") == "x");
    CHECK(read_file(site.target() / "nobody") == "x");
    CHECK_MESSAGE(site.server.log().find("> DELE nobody\n") == std::string::npos, site.logs());
}

TEST_CASE("a control file that is taken before its size is asked for is waited for, and not sent again") {
    ScriptedSite site(
        "publish: direct, target_uses_arrival_monitor: true, receipt_file_poll_interval: 200ms, "
        "receipt_file_poll_count: 300");
    const fs::path taken = site.home() / "taken";
    const fs::path data = site.target() / "f";
    const fs::path control_file = site.target() / ".f.stager-ctrl-bss";
    const auto take = [&] {
        fs::remove(data);
        fs::rename(control_file, taken);
    };
    site.server.meanwhile("SIZE", take, ".f.stager-ctrl-bss");
    write_file(site.source() / "f", "hello");
    const Daemon daemon(site);
    REQUIRE_MESSAGE(eventually([&] { return fs::exists(taken); }), site.logs());
    const std::string control = read_file(taken);
    write_file(site.home() / "receipt", good_receipt_for(control));
    fs::rename(site.home() / "receipt", site.target() / receipt_name_in(control));
    CHECK_MESSAGE(eventually([&] { return !fs::exists(site.source() / "f"); }), site.logs());
    CHECK_MESSAGE(count_of("> STOR f\n", site.server.log()) == 1, site.logs());
    CHECK_FALSE(fs::exists(site.source() / "quarantine"));
}

TEST_CASE("that the end of an upload under its final name was not heard is warned of once") {
    std::string publish = "rename";
    std::size_t warnings = 0;
    SUBCASE("but nothing of one under a temporary name") {}
    SUBCASE("whatever file it is of") {
        publish = "direct";
        warnings = 1;
    }
    ScriptedSite site("publish: " + publish);
    const Daemon daemon(site);
    site.check_carries({"before"});
    site.server.drop_at("STOR", 200'000);
    site.server.drop_at("STOR", 200'000);
    const std::string content = megabytes(1);
    write_file(site.source() / "large", content);
    REQUIRE_MESSAGE(eventually([&] { return !fs::exists(site.source() / "large"); }), site.logs());
    CHECK((read_file(site.target() / "large") == content));
    CHECK(site.server.script_done());
    CHECK_MESSAGE(count_of("delete_failed_uploads", site.log("ftp_p")) == warnings, site.logs());
}

TEST_CASE("a cut transfer is over whatever a server says at its end, and nothing is waited for") {
    std::string end = "150 Some more of it";  // as Pure-FTPd says
    std::string reply_to_noop = "200 OK";
    SUBCASE("no end at all") {}
    SUBCASE("an end behind a 150") {
        end += "\r\n226 Done";
    }
    SUBCASE("an end alone") {
        end = "451 It was cut off";
    }
    SUBCASE("two ends") {
        end = "426 It was cut off\r\n226 That is done";
    }
    // What might be the transfer's end must not be mistaken for it.
    SUBCASE("no end, and 226 to a NOOP") {
        reply_to_noop = "226 OK";
    }
    SUBCASE("no end, and 250 to a NOOP") {
        reply_to_noop = "250 OK";
    }
    SUBCASE("no end, and 450 to a NOOP") {
        reply_to_noop = busy;
    }
    ScriptedSite site;
    site.server.end_cut_transfers_with(end);
    site.server.always_answer("NOOP", reply_to_noop);
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 1, site.logs());
    CHECK_MESSAGE(site.log("dtc_p").find("(timed_out)") == std::string::npos, site.logs());
}

TEST_CASE("where nothing shows the end of a cut transfer, the connection is given up, not waited for") {
    ScriptedSite site;
    SUBCASE("the server does not say what directory it is in") {
        site.server.end_cut_transfers_with("150 Some more of it");
        site.server.always_answer("PWD", "502 Not here");
    }
    SUBCASE("it says so as if it ended a transfer") {
        site.server.end_cut_transfers_with("150 Some more of it");
        site.server.always_answer("PWD", "250 OK");
    }
    SUBCASE("it ends the connection itself") {
        site.server.end_cut_transfers_with(ended);
    }
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 0, site.logs());
    CHECK_MESSAGE(site.log("dtc_p").find("(timed_out)") == std::string::npos, site.logs());
}

TEST_CASE("what keeps a leftover from being looked at once does not cost the leftover") {
    ScriptedSite site;
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    SUBCASE("at its size") {
        site.server.drop_at("SIZE", 0, "resume.");
    }
    SUBCASE("before it is read") {
        site.server.drop_at("REST");
    }
    SUBCASE("as it begins to be read") {
        site.server.drop_at("RETR");
    }
    SUBCASE("while it is read") {
        site.server.drop_at("RETR", megabyte);
    }
    SUBCASE("by the server's word") {
        site.server.answer("RETR", ended);
    }
    SUBCASE("the server is busy when it is asked for its size") {
        site.server.answer("SIZE", busy, "resume.");
    }
    SUBCASE("the server is busy when it is to be read") {
        site.server.answer("RETR", busy);
    }
    SUBCASE("the server has no data connection when it is to be read") {
        site.server.answer("RETR", "425 No connection");
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 1, site.logs());
    // Sent anew it would be 45 million.
    CHECK(site.server.bytes_stored() < 40 * megabyte);
}

TEST_CASE("a leftover with which the server will not go on for the moment is tried once more, unshortened") {
    ScriptedSite site;
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    SUBCASE("450") {
        site.server.answer("STOR", busy, "resume.");
    }
    SUBCASE("451") {
        site.server.answer("STOR", "451 Append/Restart not permitted, try again", "resume.");
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 2, site.logs());
    // Sent anew it would be 45 million.
    CHECK(site.server.bytes_stored() < 40 * megabyte);
    std::set<std::string> places;
    const std::string log = site.log("ftp_p");
    for (std::size_t at = 0; (at = log.find("at byte ", at)) != std::string::npos; ++at) {
        places.insert(log.substr(at, log.find('\n', at) - at));
    }
    CHECK_MESSAGE(places.size() == 1, site.logs());
}

TEST_CASE("a leftover with which the server never goes on is given up, and the file is sent anew") {
    ScriptedSite site;
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.server.refuse_restarts_with("451 Append/Restart not permitted, try again");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 2, site.logs());
    CHECK(site.server.bytes_stored() >= 45 * megabyte);
}

TEST_CASE("a leftover for which there is no space is given up at once") {
    ScriptedSite site;
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.server.answer("STOR", "452 No space", "resume.");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 1, site.logs());
    CHECK(site.server.bytes_stored() >= 45 * megabyte);
}

TEST_CASE("whatever fails of a file that was gone on with costs it no try, and it is sent anew") {
    ScriptedSite site("retry_count: 0");
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    SUBCASE("the server refuses it") {
        site.server.answer("STOR", "550 Not this one", "resume.");
    }
    SUBCASE("the server cannot go on") {
        site.server.answer("STOR", "554 Not from there", "resume.");
    }
    SUBCASE("it has another checksum") {
        site.server.always_answer("FEAT", offers_checksums);
        site.server.answer("XMD5", "250 00000000000000000000000000000000");
    }
    SUBCASE("it has another size") {
        site.server.meanwhile(
            "SIZE", [] {}, "resume.");
        site.server.answer("SIZE", "213 5", "resume.");
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 1, site.logs());
    CHECK(site.server.bytes_stored() >= 45 * megabyte);
}

TEST_CASE("a leftover over which the connection breaks again is given up, and the file is sent anew") {
    ScriptedSite site;
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    SUBCASE("as it begins to be read") {
        site.server.drop_at("RETR");
        site.server.drop_at("RETR");
    }
    SUBCASE("at its size, and while it is read") {
        site.server.drop_at("SIZE", 0, "resume.");
        site.server.drop_at("RETR", megabyte);
    }
    SUBCASE("or the server is still busy") {
        site.server.answer("RETR", busy);
        site.server.answer("RETR", busy);
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 0, site.logs());
    CHECK(site.server.bytes_stored() >= 45 * megabyte);
}

TEST_CASE("a leftover that nobody may ever read is given up, and the file is sent anew at once") {
    ScriptedSite site("retry_count: 0");
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.server.answer("RETR", "550 Not for you");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 0, site.logs());
    CHECK_MESSAGE(site.server.count("USER") == 2, site.logs());
}

TEST_CASE("what keeps a file that was put together from being compared once does not cost it") {
    ScriptedSite site("retry_count: 0");
    site.server.always_answer("FEAT", offers_checksums);
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    SUBCASE("the connection breaks at its checksum") {
        site.server.drop_at("XMD5");
    }
    SUBCASE("the server is busy at its checksum") {
        site.server.answer("XMD5", busy);
    }
    SUBCASE("the server is busy at its checksum by HASH") {
        site.server.always_answer("FEAT", offers_hash);
        site.server.answer("HASH", busy);
    }
    // Without a checksum, pieces of it are read.
    SUBCASE("the connection breaks at a piece of it") {
        site.server.answer("XMD5", "502 Not known here");
        site.server.drop_at("RETR");
    }
    SUBCASE("the server is busy at a piece of it") {
        site.server.answer("XMD5", "502 Not known here");
        site.server.answer("RETR", busy);
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 2, site.logs());
    // Sent anew it would be 60 million and more.
    CHECK(site.server.bytes_stored() < 45 * megabyte);
}

TEST_CASE("a file over whose checksum the connection breaks again is sent anew") {
    ScriptedSite site;
    site.server.always_answer("FEAT", offers_checksums);
    site.server.drop_at("STOR", 15 * megabyte, "resume.");
    site.server.drop_at("XMD5");
    site.server.drop_at("XMD5");
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 2, site.logs());
    CHECK(site.server.bytes_stored() >= 60 * megabyte);
}

TEST_CASE("a leftover that was gone on with may have its look broken once more") {
    ScriptedSite site;
    for (int round = 0; round < 2; ++round) {
        site.server.drop_at("STOR", 12 * megabyte, "resume.");
        site.server.drop_at("RETR");
    }
    site.check_carries_large();
    CHECK_MESSAGE(site.times_gone_on() == 2, site.logs());
    // Sent anew, but once, it would be 42 million.
    CHECK(site.server.bytes_stored() < 42 * megabyte);
}

TEST_SUITE_END();

}  // namespace mistamover::test
