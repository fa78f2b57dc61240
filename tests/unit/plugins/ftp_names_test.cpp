// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_names.hpp"

#include <algorithm>
#include <doctest/doctest.h>

#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

using Known = KeptNames::Known;

/// Whether the names by which `name` is tried out have all that is odd about it.
bool shows_marks(const std::string& name) {
    NameMarks shown;
    for (const std::string& trial : trial_names(name, "kept.1")) {
        shown |= marks_in(trial);
    }
    return (marks_in(name) & ~shown).none();
}

}  // namespace

TEST_SUITE_BEGIN("ftp_names");

TEST_CASE("what some server might change in a name") {
    for (const char* name : {"a", "a.b_c-D9", ".a", "-", "..a"}) {
        CHECK_MESSAGE(marks_in(name).none(), name);
    }
    for (const char* name : {"a b", "a\tb", "\033[31m", "a+b", "\177", "\303\244", "\xff", "a.", "a "}) {
        CHECK_MESSAGE(marks_in(name).any(), printable(name));
    }
    CHECK((marks_in("a b") == marks_in("c  d")));
    CHECK((marks_in("a b") != marks_in(" ab")));
    CHECK((marks_in("ab ") != marks_in(" ab")));
    // Half a character is another thing than a whole one.
    CHECK((marks_in("\303\244") != marks_in("\244\303")));
}

TEST_CASE("a name is tried out with all that is odd about it, in names that are not too long") {
    std::string every_byte;
    for (int byte = 1; byte < 256; ++byte) {
        if (byte != '/' && byte != '\r' && byte != '\n') {
            every_byte += static_cast<char>(byte);
        }
    }
    for (const std::string& name : {std::string("a b"), std::string(" a\t "), std::string("a."),
                                    std::string("\303\244\342\202\254"), std::string("\xff "), every_byte}) {
        CHECK_MESSAGE(shows_marks(name), printable(name));
        for (const std::string& trial : trial_names(name, "kept.1")) {
            CHECK(trial.size() < 200);
            CHECK(trial.find("kept.1") != std::string::npos);
        }
    }
    CHECK(trial_names("a b c", "kept.1") == std::vector<std::string>{"kept.1 -"});
    CHECK(trial_names(" a.", "kept.1") == std::vector<std::string>{" kept.1 -."});
}

TEST_CASE("what was found out of some names is known of others") {
    KeptNames known;
    CHECK(known.about(marks_in("plain")) == Known::kept);
    CHECK(known.about(marks_in("a b")) == Known::nothing);
    known.note(marks_in("a b+c"), true);
    CHECK(known.about(marks_in("a b")) == Known::kept);
    CHECK(known.about(marks_in("a\tb")) == Known::nothing);
    known.note(marks_in("a \tb"), false);
    CHECK(known.about(marks_in("a\tb#")) == Known::changed);
    CHECK(known.about(marks_in("a#")) == Known::nothing);
    CHECK(known.about(marks_in("a b")) == Known::kept);
    known.note(std::size_t{200}, true);
    known.note(std::size_t{220}, false);
    CHECK(known.about(std::size_t{200}) == Known::kept);
    CHECK(known.about(std::size_t{210}) == Known::nothing);
    CHECK(known.about(std::size_t{220}) == Known::changed);
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
