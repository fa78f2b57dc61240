// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_names.hpp"

#include <doctest/doctest.h>

#include "arrivals/checksum_form.hpp"

namespace mistamover::arrivals {

using namespace std::chrono_literals;

TEST_CASE("the names of a handshake's files") {
    const std::chrono::system_clock::time_point when{1795449753s + 925ms};
    CHECK(control_name("ok.dat", "ctrl") == ".ok.dat.ctrl");
    CHECK(stamped_name("ok.dat", when, "rcpt") == ".ok.dat.1795449753.92.rcpt");
    CHECK(stamped_name("ok.dat", when + 100ms, "rcpt") == ".ok.dat.1795449754.02.rcpt");
}

TEST_CASE("a name that would be too long is cut, and stays one of its own") {
    const std::string first(250, 'a');
    const std::string second = first + "bb";
    CHECK(control_name(first, "stager-ctrl-bss").size() == 255);
    CHECK(control_name(first, "stager-ctrl-bss") != control_name(second, "stager-ctrl-bss"));
    CHECK(has_extension(control_name(first, "stager-ctrl-bss"), "stager-ctrl-bss"));
    CHECK(stamped_name(first, {}, "rcpt").size() == 255);
}

TEST_CASE("a handshake file is known by its dot and its extension") {
    CHECK(has_extension(".a.ctrl", "ctrl"));
    CHECK_FALSE(has_extension("a.ctrl", "ctrl"));
    CHECK_FALSE(has_extension(".actrl", "ctrl"));
    CHECK_FALSE(has_extension(".ctrl", "ctrl"));
}

TEST_CASE("a peer names no file that is not its own") {
    using namespace std::string_view_literals;
    for (const auto name :
         {""sv, "."sv, ".."sv, "/"sv, "a/b"sv, "../a"sv, "/etc/passwd"sv, "a\0b"sv, "a\nb"sv}) {
        CHECK_FALSE(is_plain_name(name));
        CHECK_FALSE(is_data_name(name));
        CHECK_FALSE(is_answer_name(name, ".stop", "c", "t"));
    }
    CHECK(is_data_name("a..b \xff'\"$(x)"));
    CHECK_FALSE(is_data_name(".stop"));
    CHECK_FALSE(is_data_name(std::string(256, 'a')));
    CHECK(is_answer_name(".e1.r", ".stop", "c", "t"));
    CHECK_FALSE(is_answer_name("data", ".stop", "c", "t"));
    CHECK_FALSE(is_answer_name(".stop", ".stop", "c", "t"));
    CHECK_FALSE(is_answer_name(".x.c", ".stop", "c", "t"));
    CHECK_FALSE(is_answer_name(".x.t", ".stop", "c", "t"));
}

TEST_CASE("a checksum on the wire tells its algorithm, and md5 stands bare") {
    CHECK(checksum_on_wire("md5", "ab") == "ab");
    CHECK(checksum_on_wire("sha256", "ab") == "sha256:ab");
    CHECK(algorithm_of("sha256:ab") == "sha256");
    CHECK(algorithm_of("blake2b512:ab") == "blake2b512");
    for (const char* other : {"ab", "", "sha256", "md5:ab", "sha1:ab", "sha256 ab"}) {
        CHECK(algorithm_of(other) == "md5");
    }
}

}  // namespace mistamover::arrivals
