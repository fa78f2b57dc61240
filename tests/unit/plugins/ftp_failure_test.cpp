// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_failure.hpp"

#include <array>
#include <doctest/doctest.h>

#include "ftp/ftp_path.hpp"
#include "ftp_talker.hpp"

namespace mistamover::ftp {
namespace {

Status reply_status(int code, During during) {
    return reply_failure({code, {"why\nso"}}, during, "store x");
}

void check_reply(int code, During during, StatusCode wanted, StatusScope scope) {
    const Status status = reply_status(code, during);
    CHECK_MESSAGE(status.code() == wanted, code << ' ' << to_string(status.code()));
    CHECK_MESSAGE(status.scope() == scope, code << ' ' << to_string(status.scope()));
    CHECK(status.protocol_code() == code);
}

/// What comes of a login to a server that answers so.
Status login(const test::FtpTalker::Answers& answers, bool known_login, const char* tls) {
    test::FtpTalk talk(tls, answers);
    try {
        const Control control(talk.options, talk.tls, talk.context, known_login);
    } catch (const StatusError& error) {
        return error.status();
    }
    return {};
}

struct Seen final : StatSink {
    void entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept override {
        statuses.at(index) = status;
        infos.at(index) = info;
    }
    std::array<Status, 3> statuses;
    std::array<EntryInfo, 3> infos;
};

struct Removed final : RemoveSink {
    void done(std::size_t, const Status& end) noexcept override { status = end; }
    Status status;
};

struct Text final : BytesSink {
    void bytes(std::string_view data) noexcept override { text += data; }
    std::string text;
};

struct NoEntries final : ListSink {
    void entry(std::string_view name, const EntryInfo&) noexcept override { FAIL_CHECK(name); }
};

/// What a server says of a file's checksum that answers so, to be asked for "md5".
Status checksum(const std::string& path, const std::string& answer, std::string& digest) {
    test::FtpTalk talk("none", {{"FEAT", "211-Features:\r\n HASH MD5*;SHA-1\r\n SIZE\r\n211 End"},
                                {"OPTS HASH", "501 Not that"},
                                {"SIZE ", "213 5"},
                                {"HASH ", answer}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Text sink;
    const Status status = session.call_checksum(path, "md5", sink);
    digest = sink.text;
    return status;
}

constexpr char md5_of_hello[] = "5d41402abc4b2a76b9719d911017c592";
constexpr char sha1_of_hello[] = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";
constexpr char offers_mlst[] = "211-Features:\r\n MLST type*;\r\n SIZE\r\n211 End";

void check_cannot_be_told(const Status& status) {
    CHECK_FALSE(status.ok());
    CHECK(status.code() != StatusCode::not_found);
    CHECK(status.scope() == StatusScope::item);
    CHECK(status.text().find("byte 255") != std::string_view::npos);
}

}  // namespace

TEST_SUITE_BEGIN("ftp_failure");

TEST_CASE("what a reply means, and how far it reaches") {
    using enum StatusCode;
    using enum StatusScope;
    check_reply(530, During::login, authentication, stream);
    // Of a login that works: no word on its password.
    check_reply(530, During::transfer, unreachable, session);
    check_reply(532, During::request, unreachable, session);
    check_reply(502, During::login, configuration, stream);
    check_reply(431, During::login, unreachable, session);
    check_reply(421, During::login, unreachable, session);
    check_reply(421, During::transfer, unreachable, session);
    check_reply(425, During::transfer, connection_lost, session);
    check_reply(426, During::transfer, connection_lost, session);
    check_reply(451, During::transfer, no_space, session);
    check_reply(451, During::request, permission, item);
    check_reply(452, During::transfer, no_space, session);
    check_reply(552, During::transfer, no_space, session);
    check_reply(550, During::request, permission, item);
    check_reply(550, During::transfer, permission, item);
    check_reply(553, During::transfer, permission, item);
    check_reply(521, During::request, exists, item);
    check_reply(522, During::transfer, connection_lost, session);
    check_reply(522, During::request, connection_lost, session);  // as is said of RETR and MLSD
    for (const int code : {533, 534, 535, 536, 537}) {
        check_reply(code, During::transfer, unreachable, session);
    }
    check_reply(502, During::request, unsupported, item);
    check_reply(450, During::request, permission, item);
    check_reply(499, During::request, unreachable, session);
    check_reply(200, During::request, internal, session);
    CHECK(reply_status(550, During::request).text() == "store x: the server says 550 why?so");
}

TEST_CASE("what no item is to blame for reaches as far as the session at least") {
    const auto failure = [](int code) { return session_failure({code, {"why"}}, During::request, "look"); };
    CHECK(failure(450).scope() == StatusScope::session);
    CHECK(failure(450).code() == StatusCode::permission);
    CHECK(failure(450).protocol_code() == 450);
    CHECK(failure(452).scope() == StatusScope::session);
    CHECK(failure(530).scope() == StatusScope::session);
}

TEST_CASE("a server that is full is told from a refused password by its words") {
    const auto refusal = [](int code, const std::vector<std::string>& lines) {
        return reply_failure({code, lines}, During::login, "log in");
    };
    for (const char* words :
         {"Sorry, the maximum number of allowed clients (1) are already connected.",
          "Sorry, the maximum number of clients (1) from your host are already connected.",
          "Too many users, try later", "Too many connections from this host",
          "The maximum number of sessions is open"}) {
        CHECK(refusal(530, {words}).code() == StatusCode::unreachable);
        CHECK(refusal(530, {words, "Goodbye"}).scope() == StatusScope::session);
    }
    for (const char* words :
         {"Login incorrect.", "Too many failed logins", "Maximum number of tries reached",
          "maximum number of login attempts exceeded", "Too many bad passwords", "Too many invalid logins",
          "too many login errors", "Too many logins", "Too many bad passwords for this user",
          "Too many invalid users", "Maximum number of errors of this user reached"}) {
        CHECK(refusal(530, {words}).code() == StatusCode::authentication);
        CHECK(refusal(530, {words}).scope() == StatusScope::stream);
    }
}

TEST_CASE("a server that has no room is told by its words where its number means that one file") {
    const auto refusal = [](int code, const char* words, During during = During::transfer) {
        return reply_failure({code, {"Sorry", words}}, during, "store");
    };
    for (const char* words :
         {"There is not enough space on the disk.", "f: No space left on device", "Disk full.",
          "Requested action not taken: insufficient storage space in system", "Disk quota exceeded",
          "Transfer aborted: over your quota", "/data/in/f.zip: Quota limit reached"}) {
        CAPTURE(words);
        for (const int code : {550, 551, 553}) {
            CHECK(refusal(code, words).code() == StatusCode::no_space);
            CHECK(refusal(code, words).scope() == StatusScope::session);
            CHECK(refusal(code, words, During::change).scope() == StatusScope::session);
            CHECK(refusal(code, words, During::request).scope() == StatusScope::item);
        }
    }
    for (const char* words :
         {"Infected", "Permission denied", "over quota limit.csv: Permission denied",
          "/disk full/over.quota: Not like that", "No spaces in names", "full", "Not a quota",
          "quota/overview.txt: Is a directory", "Infected: it calls itself disk full"}) {
        CAPTURE(words);
        CHECK(refusal(550, words).code() == StatusCode::permission);
        CHECK(refusal(550, words).scope() == StatusScope::item);
    }
}

TEST_CASE("a refusal is for good at a login that has never worked, for the moment at one that has") {
    struct Case {
        const char* command;
        const char* refusal;
        const char* tls;
    };
    for (const Case& refused :
         {Case{"USER ", "530 Not you", "none"},
          Case{"PASS ", "500 OOPS: cannot change directory:/home/mover", "none"},
          Case{"TYPE ", "504 Not that", "none"}, Case{"AUTH ", "502 Not known here", "explicit"}}) {
        CAPTURE(refused.command);
        const Status at_first = login({{refused.command, refused.refusal}}, false, refused.tls);
        CHECK(at_first.scope() == StatusScope::stream);
        const Status later = login({{refused.command, refused.refusal}}, true, refused.tls);
        CHECK(later.scope() == StatusScope::session);
        CHECK(later.code() == StatusCode::unreachable);
        CHECK(later.text() == at_first.text());
    }
}

TEST_CASE("what somebody adds to the server's words before TLS begins is not taken for the server's") {
    const Status status = login({{"AUTH ", "234 Go on\r\n230 You are in"}}, false, "explicit");
    CHECK(status.code() == StatusCode::connection_lost);
    CHECK(status.text().find("before TLS began") != std::string_view::npos);
}

TEST_CASE("a name that MLST shows otherwise, and the listing does not have, is another's") {
    Poco::Net::ServerSocket listing(Poco::Net::SocketAddress("127.0.0.1", 0));
    std::thread lister([&] {
        constexpr std::string_view line = "type=dir; .tmp\r\n";
        if (listing.poll(Poco::Timespan(10, 0), Poco::Net::Socket::SELECT_READ)) {
            listing.acceptConnection().sendBytes(line.data(), static_cast<int>(line.size()), MSG_NOSIGNAL);
        }
    });
    test::FtpTalk talk("none",
                       {{"FEAT", offers_mlst},
                        {"EPSV", "229 Extended (|||" + std::to_string(listing.address().port()) + "|)"},
                        {"MLST .TMP", "250-Facts:\r\n type=dir; .tmp\r\n250 End"},
                        {"MLSD", "150 Here it is\r\n226 Done"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Seen seen;
    const std::array<std::string_view, 1> paths{".TMP"};
    const Status status = session.call_stat(paths, seen);
    lister.join();
    REQUIRE_MESSAGE(status.ok(), status.text());
    CHECK(seen.statuses[0].code() == StatusCode::exists);
    CHECK(seen.statuses[0].scope() == StatusScope::item);
}

TEST_CASE("a checksum of another kind than was asked for stops the stream, not a session again and again") {
    std::string digest;
    CHECK(checksum("f", "213 MD5 0-5 " + std::string(md5_of_hello) + " f", digest).ok());
    CHECK(digest == md5_of_hello);
    const std::string by_sha1 = "213 SHA-1 0-5 " + std::string(sha1_of_hello) + ' ';
    const Status other_kind = checksum("f", by_sha1 + "f", digest);
    CHECK(other_kind.code() == StatusCode::configuration);
    CHECK(other_kind.scope() == StatusScope::stream);
    CHECK(digest.empty());
    // Of a file with such a name it alone cannot be told.
    for (const char* name : {md5_of_hello, "of 5d41402abc4b2a76b9719d911017c592"}) {
        const std::string path = name;
        const Status by_name = checksum(path, by_sha1 + path, digest);
        CHECK(by_name.code() == StatusCode::unsupported);
        CHECK(by_name.scope() == StatusScope::item);
        CHECK(digest.empty());
    }
    const Status none = checksum("f", "200 Command OK", digest);
    CHECK(none.code() == StatusCode::configuration);
    CHECK(none.scope() == StatusScope::stream);
    CHECK(checksum("f", "550 No", digest).code() != StatusCode::configuration);
}

TEST_CASE("what is not understood of a file is asked in another way, or cannot be told") {
    test::FtpTalk talk("none", {{"FEAT", offers_mlst},
                                {"MLST ", "250-Facts:\r\n of another form\r\n250 End"},
                                {"SIZE file", "213 5"},
                                {"SIZE ", "550 No such file or directory"},
                                {"CWD nothing", "550 No"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Seen seen;
    const std::array<std::string_view, 3> paths{"nothing", "file", "directory"};
    REQUIRE(session.call_stat(paths, seen).ok());
    CHECK(seen.statuses[0].code() == StatusCode::unsupported);
    CHECK(seen.statuses[0].scope() == StatusScope::item);
    CHECK(seen.statuses[1].ok());
    CHECK(seen.infos[1].kind == EntryKind::file);
    CHECK(seen.infos[1].size == 5);
    CHECK(seen.statuses[2].ok());
    CHECK(seen.infos[2].kind == EntryKind::directory);
}

TEST_CASE("a size that is not understood cannot be told") {
    test::FtpTalk talk("none", {{"SIZE ", "250 It is five"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Seen seen;
    const std::array<std::string_view, 1> paths{"file"};
    REQUIRE(session.call_stat(paths, seen).ok());
    CHECK(seen.statuses[0].code() == StatusCode::unsupported);
    CHECK(seen.statuses[0].scope() == StatusScope::item);
}

TEST_CASE("nothing is asked about a name with the byte 255 as long as it is not known how that is read") {
    test::FtpTalk talk("none", {{"FEAT", "211-Features:\r\n MLST type*;\r\n SIZE\r\n XMD5\r\n211 End"},
                                {"MLST plain", "250-Facts:\r\n type=file;size=5; plain\r\n250 End"},
                                {"STOR ", "450 Busy"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    talk.state.probed = false;
    Seen seen;
    const std::array<std::string_view, 3> paths{"a\xff", "plain", "\xff/b"};
    REQUIRE(session.call_stat(paths, seen).ok());
    check_cannot_be_told(seen.statuses[0]);
    CHECK(seen.statuses[1].ok());
    check_cannot_be_told(seen.statuses[2]);
    Removed removed;
    REQUIRE(session.call_remove({paths.data(), 1}, removed).ok());
    check_cannot_be_told(removed.status);
    Text nothing;
    check_cannot_be_told(session.call_get_small(paths[0], 100, nothing));
    check_cannot_be_told(session.call_checksum(paths[0], "md5", nothing));
    NoEntries no_entries;
    check_cannot_be_told(session.call_list(paths[0], no_entries));
    check_cannot_be_told(session.call_rename(paths[0], "c"));
    CHECK(nothing.text.empty());
    for (const std::string& command : talk.talker.commands()) {
        CHECK_MESSAGE((command.starts_with("STOR ") || !has_byte_255(command)), command);
    }
}

TEST_CASE("how the byte 255 is read is tried out when a name needs it, and then known") {
    // A server that takes no such name is held to the standard.
    test::FtpTalk talk("none", {{"FEAT", offers_mlst}, {"STOR ", "553 No such name"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    talk.state.probed = false;
    Seen seen;
    const std::array<std::string_view, 1> paths{"a\xff"};
    REQUIRE(session.call_stat(paths, seen).ok());
    CHECK(talk.talker.was_told("MLST a\xff\xff"));
    CHECK(talk.state.probed);
}

TEST_CASE("a password that the server says again goes no further") {
    for (const char* answer : {"530 PASS open-sesame? I know no open-sesame", "421 PASS open-sesame",
                               "230-PASS open-sesame\r\n230 Welcome", "PASS open-sesame"}) {
        CAPTURE(answer);
        test::FtpTalk talk("none", {{"PASS ", answer}, {"TYPE ", "504 Not that"}});
        talk.options.password = "open-sesame";
        try {
            const Control control(talk.options, talk.tls, talk.context, false);
            FAIL("it cannot have logged in");
        } catch (const StatusError& error) {
            CHECK_MESSAGE(error.status().text().find("sesame") == std::string_view::npos,
                          error.status().text());
        }
        CHECK(talk.talker.was_told("PASS open-sesame"));
    }
    CHECK(without_secret("an-an-a", "an") == "***-***-a");
    CHECK(without_secret("as it is", "") == "as it is");
}

TEST_CASE(
    "a name that MLST shows otherwise, and no listing can confirm, is not taken for the one asked for") {
    test::FtpTalk talk("none", {{"FEAT", offers_mlst},
                                {"MLST ", "250-Facts:\r\n type=file;size=5; a_b\r\n250 End"},
                                {"MLSD", "550 Not for you"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Seen seen;
    const std::array<std::string_view, 1> paths{"a b"};
    REQUIRE(session.call_stat(paths, seen).ok());
    CHECK_FALSE(seen.statuses[0].ok());
    CHECK(seen.statuses[0].code() != StatusCode::not_found);
    CHECK(seen.statuses[0].scope() == StatusScope::session);
}

TEST_CASE("why it cannot be told whether something is there is said") {
    test::FtpTalk talk("none",
                       {{"FEAT", offers_mlst}, {"MLST ", "550 No"}, {"MLSD", "550 Lists are secret"}});
    FtpSession session(talk.options, talk.tls, talk.state, talk.context);
    Seen seen;
    const std::array<std::string_view, 1> paths{".stop"};
    REQUIRE(session.call_stat(paths, seen).ok());
    CHECK(seen.statuses[0].code() == StatusCode::permission);
    CHECK_MESSAGE(seen.statuses[0].text().find("Lists are secret") != std::string_view::npos,
                  seen.statuses[0].text());
}

TEST_CASE("a rename that is refused for the moment says nothing of the file") {
    for (const char* verb : {"RNFR", "RNTO"}) {
        CAPTURE(verb);
        test::FtpTalk talk("none", {{verb, "450 Busy"}, {"RNFR", "350 To what"}});
        FtpSession session(talk.options, talk.tls, talk.state, talk.context);
        CHECK(session.call_rename("a", "b").scope() == StatusScope::session);
    }
}

TEST_CASE("whether a server shows a name unchanged") {
    CHECK(printable("a\tb\n") == "a?b?");
    CHECK(is_shown_as("d/a", "a"));
    CHECK(is_shown_as("d/a", "/home/d/a"));
    CHECK(is_shown_as("d/\xff", "\xff\xff"));
    CHECK_FALSE(is_shown_as("d/a\tb", "a_b"));
    CHECK_FALSE(is_shown_as("d/a", "/home/d/xa"));
}

TEST_CASE("how a path stands in a command") {
    CHECK(command_with_path("SIZE", "a b/c") == "SIZE a b/c");
    CHECK(command_with_path("SIZE", "-a") == "SIZE ./-a");
    CHECK(command_with_path("SIZE", " a") == "SIZE ./ a");
    CHECK(command_with_path("SIZE", "~") == "SIZE ./~");
    CHECK(command_with_path("MLSD", "") == "MLSD ./");
    CHECK(command_with_path("SIZE", "\xff") == "SIZE \xff\xff");
    CHECK(command_with_path("SIZE", "\xff", {false}) == "SIZE \xff");
    CHECK_FALSE(can_carry("a\nb"));
    CHECK_FALSE(can_carry("a\rb"));
    CHECK_THROWS(command_with_path("DELE", "a\r\nDELE b"));
    CHECK(join("", "a") == "a");
    CHECK(join("d", "a") == "d/a");
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
