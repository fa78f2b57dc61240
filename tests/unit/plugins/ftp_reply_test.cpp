// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_reply.hpp"

#include <doctest/doctest.h>
#include <stdexcept>

namespace mistamover::ftp {
namespace {

Reply reply_of(const std::string& text) {
    ReplyParser parser;
    parser.feed(text);
    const auto reply = parser.take();
    REQUIRE(reply);
    return *reply;
}

}  // namespace

TEST_SUITE_BEGIN("ftp_reply");

TEST_CASE("a reply is cut out of what arrives piece by piece") {
    ReplyParser parser;
    parser.feed("220 hel");
    CHECK_FALSE(parser.take());
    parser.feed("lo\r\n331 pass");
    const auto first = parser.take();
    REQUIRE(first);
    CHECK(first->code == 220);
    CHECK(first->lines == std::vector<std::string>{"hello"});
    CHECK_FALSE(parser.take());
    parser.feed("word\n");
    CHECK(parser.take()->lines.front() == "password");
    CHECK(parser.empty());
}

TEST_CASE("a reply of several lines ends with its own code and a blank") {
    ReplyParser parser;
    parser.feed("211-Features:\r\n MDTM\r\n220 not the end\r\n211-nor this\r\n211 End\r\n226 next\r\n");
    const auto reply = parser.take();
    REQUIRE(reply);
    CHECK(reply->code == 211);
    CHECK(reply->lines ==
          std::vector<std::string>{"Features:", " MDTM", "220 not the end", "211-nor this", "End"});
    CHECK(parser.take()->code == 226);
}

TEST_CASE("what is no reply, or has no end, is refused") {
    ReplyParser parser;
    parser.feed("SSH-2.0-OpenSSH\r\n");
    CHECK_THROWS_AS(parser.take(), std::runtime_error);
    ReplyParser endless;
    endless.feed("220-");
    endless.feed(std::string(1100UL * 1024, 'x'));
    CHECK_THROWS_AS(endless.take(), std::runtime_error);
    ReplyParser many_lines;
    many_lines.feed("220-begin\r\n");
    const auto read_many_lines = [&] {
        for (int i = 0; i < 200'000; ++i) {
            many_lines.feed("a line\r\n");
            (void)many_lines.take();
        }
    };
    CHECK_THROWS_AS(read_many_lines(), std::runtime_error);
}

TEST_CASE("replies that come oddly are read, or refused, but never taken for others") {
    CHECK(reply_of("220\r\n").lines == std::vector<std::string>{""});
    CHECK(reply_of("220 \n").lines == std::vector<std::string>{""});
    CHECK(reply_of("220-\r\n220 end\r\n").lines == std::vector<std::string>{"", "end"});
    // A line of the text that is as long as a code, or nothing at all.
    CHECK(reply_of("220-a\r\n\r\n221\r\n220 end\r\n").lines ==
          std::vector<std::string>{"a", "", "221", "end"});
    for (const char* bad :
         {"\r\n", "22\r\n", "2200 x\r\n", "620 x\r\n", "020 x\r\n", "2a0 x\r\n", " 220 x\r\n"}) {
        ReplyParser parser;
        parser.feed(bad);
        CHECK_THROWS_AS_MESSAGE(parser.take(), std::runtime_error, bad);
    }
}

TEST_CASE("the port of EPSV") {
    CHECK(epsv_port("Entering Extended Passive Mode (|||6446|)") == 6446);
    CHECK(epsv_port("(!!!1!)") == 1);
    for (const char* bad :
         {"", "no port", "(|||0|)", "(|||65536|)", "(|||12", "(|||12x|)", "(||12|)", "(|||"}) {
        CHECK_MESSAGE(!epsv_port(bad), bad);
    }
}

TEST_CASE("the port of PASV, whatever stands around it") {
    CHECK(pasv_port("Entering Passive Mode (192,168,1,2,25,46).") == 25 * 256 + 46);
    CHECK(pasv_port("Entering passive mode 10,0,0,1,4,1") == 1025);
    CHECK(pasv_port("227 ways: 1,2,3,4,5,6") == 5 * 256 + 6);
    for (const char* bad : {"", "none", "(1,2,3,4,5)", "(1,2,3,4,0,0)", "(1,2,3,4,256,1)", "(1,2,3,4,5,)"}) {
        CHECK_MESSAGE(!pasv_port(bad), bad);
    }
}

TEST_CASE("size, path and digest") {
    CHECK(size_of(reply_of("213 18446744073709551615\r\n")) == UINT64_MAX);
    CHECK_FALSE(size_of(reply_of("213 none\r\n")));
    CHECK_FALSE(size_of(reply_of("550 5\r\n")));
    CHECK(quoted_path("\"/a \"\"b\"\" c\" is current") == "/a \"b\" c");
    CHECK_FALSE(quoted_path("/a"));
    CHECK_FALSE(quoted_path("\"/a"));
    CHECK(digest_in(reply_of("213 MD5 0-5 D41D8CD98F00B204E9800998ECF8427E a name\r\n"), 32) ==
          "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(
        digest_in(reply_of("213-Computing MD5 digest\r\n213 MD5 0-5 D41D8CD98F00B204E9800998ECF8427E f\r\n"),
                  32) == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK(digest_in(reply_of("250 d41d8cd98f00b204e9800998ecf8427e\r\n"), 32) ==
          "d41d8cd98f00b204e9800998ecf8427e");
    CHECK_FALSE(digest_in(reply_of("250 d41d8cd98f00b204e9800998ecf8427e\r\n"), 64));
}

TEST_CASE("a digest is not taken from the name, nor from among several") {
    const std::string digest = "d41d8cd98f00b204e9800998ecf8427e";
    const std::string other = "5d41402abc4b2a76b9719d911017c592";
    const auto found = [](const std::string& text, const std::string& path) {
        return digest_in(reply_of(text + "\r\n"), 32, path);
    };
    CHECK(found("213 MD5 0-5 " + digest + ' ' + other, other) == digest);
    CHECK(found("213 MD5 0-5 " + digest + ' ' + digest, digest) == digest);
    CHECK(found("213 MD5 0-5 " + digest + " d/" + digest, "d/" + digest) == digest);
    CHECK(found("213 MD5 0-5 " + digest + " a " + other + " b", "a " + other + " b") == digest);
    CHECK(found("213 MD5 0-5 " + digest + " /incoming/d/a " + other, "d/a " + other) == digest);
    CHECK(found("213 MD5 0-5 " + digest + " \"a " + other + "\"", "d/a " + other) == digest);
    CHECK(found("250 " + other + ' ' + digest, other) == digest);
    CHECK(found("213-Computing MD5 of " + other + "\r\n213 MD5 0-5 " + digest + ' ' + other, other) ==
          digest);
    CHECK(found("250 " + digest, digest) == digest);
    CHECK(found("250 " + digest, "f") == digest);
    CHECK(found("213 MD5 0-5 " + digest + " xf", "f") == digest);
    // By another algorithm than the one that was wanted.
    CHECK_FALSE(found("213 SHA-1 0-5 da39a3ee5e6b4b0d3255bfef95601890afd80709 " + other, other));
    CHECK_FALSE(found("213 SHA-1 0-5 da39a3ee5e6b4b0d3255bfef95601890afd80709 a " + other, "d/a " + other));
    CHECK_FALSE(found("213 MD5 0-5 " + digest + ' ' + other, "f"));
    CHECK_FALSE(found("213-MD4 " + other + "\r\n213 MD5 " + digest, "f"));
    const auto shows = [](const std::string& text, const std::string& path) {
        return shows_digest_of_path(reply_of(text + "\r\n"), 32, path);
    };
    CHECK(shows("250 by " + digest + ' ' + other, "d/a " + other));
    CHECK_FALSE(shows("250 by " + digest + ' ' + other, "d/a"));
    CHECK_FALSE(shows("250 d/" + other, "d/" + other));
}

TEST_CASE("features") {
    const Features features = features_in(
        reply_of("211-Extensions:\r\n MLST type*;size*;\r\n REST STREAM\r\n mfmt\r\n HASH SHA-256*;SHA-1\r\n "
                 "UTF8\r\n SIZE\r\n211 END\r\n"));
    CHECK(features.mlst);
    CHECK(features.rest_stream);
    CHECK(features.mfmt);
    CHECK(features.utf8);
    CHECK(features.size);
    CHECK(features.sha256);
    CHECK(features.hash_sha256);
    CHECK_FALSE(features.md5);
    CHECK_FALSE(features.mdtm);
    CHECK_FALSE(features_in(reply_of("500 MLST unknown\r\n")).mlst);
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
