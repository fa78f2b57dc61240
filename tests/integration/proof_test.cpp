// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill

#include "faulty_site.hpp"

namespace mistamover::test {
namespace {

using Names = std::set<std::string>;

const std::string quick_retries = "retry_count: 2, retry_delay: 20ms";

// Whether the log of a stream has as many records of this level.
std::size_t records(const Site& site, const std::string& level, const std::string& name = "p") {
    return count_of("] " + level + ' ', site.log("dtc_" + name));
}

// Two units, of which the module goes wrong with the one named `victim`.
struct VictimSite : FaultySite {
    explicit VictimSite(const std::string& faults, const std::string& outgoing = quick_retries) {
        add_faulty_stream(outgoing);
        set_faults(faults);
        write_file(source() / "victim", "what must not be lost");
        write_file(source() / "good", "good");
    }
    [[nodiscard]] std::string quarantined() const { return read_file(source() / "quarantine/victim"); }
};

}  // namespace

TEST_SUITE_BEGIN("proof");

TEST_CASE("a unit that the module fails with, or lies about, is tried again and then quarantined whole") {
    struct Example {
        std::string deed;
        std::string said;
    };
    const Example examples[] = {
        {"fail permission item", "made to fail (permission)"},
        {"fail not_found item", "made to fail (not_found)"},
        {"fail exists item", "made to fail (exists)"},
        {"fail unsupported item", "made to fail (unsupported)"},
        {"fail corrupt item", "made to fail (corrupt)"},
        {"fail internal item", "made to fail (internal)"},
        {"lie", "(not_found)"},
        {"truncate", "has 20 bytes at the target instead of 21"},
        {"silent", "the module did not say what became of it"},
        {"throw", "thrown for victim"},
    };
    for (const Example& example : examples) {
        CAPTURE(example.deed);
        const VictimSite site("put victim " + example.deed + '\n');
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK_MESSAGE(result.output.find("left victim: quarantined") != std::string::npos, result.output);
        CHECK(site.quarantined() == "what must not be lost");
        CHECK(read_file(site.target() / "good") == "good");
        CHECK(names_in(site.source()) == Names{"quarantine"});
        CHECK_MESSAGE(site.log("dtc_p").find(example.said) != std::string::npos, site.log("dtc_p"));
        CHECK(site.log("dtc_p").find("try 1 of 2") != std::string::npos);
    }
}

TEST_CASE("a lie about a file of which another is at the target is caught, too") {
    const VictimSite site("put victim lie\n");
    write_file(site.target() / "victim", "of yesterday");
    CHECK(site.one_off().exit_code == 1);
    CHECK(site.quarantined() == "what must not be lost");
    CHECK(read_file(site.target() / "victim") == "of yesterday");
}

TEST_CASE("verify: checksum catches a byte that was altered on the way") {
    const VictimSite site("put victim corrupt\n", "verify: checksum, " + quick_retries);
    CHECK(site.one_off().exit_code == 1);
    CHECK(site.quarantined() == "what must not be lost");
    CHECK(site.log("dtc_p").find("victim has another md5 at the target (corrupt)") != std::string::npos);
    CHECK(read_file(site.target() / "good") == "good");
    CHECK_FALSE(std::filesystem::exists(site.source() / "good"));
}

TEST_CASE("the same in a directory: nothing of it is deleted, and nothing appears under its final name") {
    FaultySite site;
    const std::vector<std::string> deeds{"lie", "truncate", "silent", "throw", "corrupt"};
    for (const std::string& deed : deeds) {
        site.add_faulty_stream("verify: checksum, " + quick_retries, "", deed);
        site.set_faults("put d/below/victim " + deed + '\n', deed);
        write_file(site.source(deed) / "d/below/victim", "what must not be lost");
        write_file(site.source(deed) / "d/other", "other");
    }
    CHECK(site.one_off().exit_code == 1);
    for (const std::string& deed : deeds) {
        CAPTURE(deed);
        CHECK(read_file(site.source(deed) / "quarantine/d/below/victim") == "what must not be lost");
        CHECK(read_file(site.source(deed) / "quarantine/d/other") == "other");
        CHECK(names_in(site.target(deed)).empty());
    }
}

TEST_CASE("without an answer to what is at the target nothing is deleted") {
    for (const std::string fault : {"stat victim fail permission item", "stat victim silent"}) {
        CAPTURE(fault);
        const VictimSite site(fault + '\n');
        CHECK(site.one_off().exit_code == 1);
        CHECK(site.quarantined() == "what must not be lost");
    }
}

TEST_CASE("a failure of the connection or the host never counts against a file, and is told once") {
    for (const std::string fault :
         {"open * fail unreachable session", "open * fail timed_out item",
          "put * fail connection_lost session", "put * fail no_space session", "put * lost",
          "stat * fail connection_lost session", "stat .stop fail permission item", "stat .stop silent"}) {
        CAPTURE(fault);
        const VictimSite site(fault + '\n', "retry_count: 1, retry_delay: 20ms");
        const ProgramResult result = site.one_off();
        CHECK(result.exit_code == 1);
        CHECK(names_in(site.source()) == Names{"good", "victim"});
        CHECK(read_file(site.source() / "victim") == "what must not be lost");
        CHECK_MESSAGE(records(site, "ERROR") == 1, site.log("dtc_p"));
        site.mend();
        CHECK(site.one_off().exit_code == 0);
        CHECK(read_file(site.target() / "victim") == "what must not be lost");
        CHECK(names_in(site.source()).empty());
    }
}

TEST_CASE("a failure of the stream ends all tries, is told once, and a change of the configuration resumes") {
    constexpr std::size_t units_in_hand = 2;  // each by a session of its own
    for (const std::string code : {"authentication", "host_key", "configuration"}) {
        for (const std::string call : {"open", "put"}) {
            CAPTURE(code + ' ' + call);
            const VictimSite site(call + " * fail " + code + " stream\n");
            CHECK(site.one_off().exit_code == 1);
            CHECK(names_in(site.source()) == Names{"good", "victim"});
            CHECK(records(site, "CRITICAL") == 1);
            CHECK(site.uses() <= (call == "open" ? 1 : units_in_hand));
        }
    }
    VictimSite site("put * fail authentication stream\n");
    const Daemon daemon(site);
    REQUIRE(eventually([&] { return site.state_of("p") == "failed"; }));
    write_file(site.source() / "later", "later");
    site.mend();
    CHECK(site.uses() <= units_in_hand);
    CHECK(eventually([&] { return records(site, "CRITICAL") == 1; }));
    site.add_faulty_stream("retry_count: 7");
    for (const char* name : {"good", "later", "victim"}) {
        CHECK(eventually([&] { return !std::filesystem::exists(site.source() / name); }));
        CHECK(std::filesystem::exists(site.target() / name));
    }
}

TEST_CASE("an answer that was lost, and a target that was full, cost nothing but time") {
    for (const std::string deed : {"lost", "fail no_space session", "fail connection_lost session"}) {
        CAPTURE(deed);
        const VictimSite site("once put victim " + deed + '\n', "retry_count: 1, retry_delay: 20ms");
        CHECK(site.one_off().exit_code == 0);
        CHECK(read_file(site.target() / "victim") == "what must not be lost");
        CHECK(names_in(site.target()) == Names{"good", "victim"});
        CHECK(names_in(site.source()).empty());
    }
}

TEST_CASE("a source that changes while it is sent is sent again, and never blamed") {
    for (const std::string verify : {"size", "checksum"}) {
        const VictimSite site("once put victim change\n", "retry_count: 1, verify: " + verify);
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output);
        CHECK(read_file(site.target() / "victim") == "what must not be lost, appended");
        CHECK(names_in(site.source()).empty());
        CHECK(site.log("dtc_p").find("victim changed while it was being sent") != std::string::npos);
    }
}

TEST_CASE("earlier quarantined units of the name are kept") {
    const VictimSite site("put victim lie\n");
    write_file(site.source() / "quarantine/victim", "first");
    write_file(site.source() / "quarantine/victim.~1~", "second");
    CHECK(site.one_off().exit_code == 1);
    CHECK(site.quarantined() == "first");
    CHECK(read_file(site.source() / "quarantine/victim.~1~") == "second");
    CHECK(read_file(site.source() / "quarantine/victim.~2~") == "what must not be lost");
}

TEST_CASE("a module that crashes takes down nothing but its own stream") {
    VictimSite site("put victim crash\n");
    site.add_stream("q");
    Daemon daemon(site);
    REQUIRE(eventually([&] { return site.uses() >= 2; }));  // it was started again
    REQUIRE(eventually([&] { return daemon.process("mm:q") != 0; }));
    const pid_t other = daemon.process("mm:q");
    const pid_t controller = daemon.controller();
    CHECK(site.carries("f", "q"));
    CHECK(read_file(site.source() / "victim") == "what must not be lost");
    CHECK_FALSE(std::filesystem::exists(site.target() / "victim"));
    site.mend();
    CHECK(eventually([&] { return read_file(site.target() / "victim") == "what must not be lost"; }));
    CHECK(daemon.process("mm:q") == other);
    CHECK(daemon.controller() == controller);
    CHECK(daemon.stop());
    CHECK(names_in(site.source()).empty());
    CHECK(names_in(site.target()) == Names{"good", "victim"});
}

TEST_CASE("a module that hangs holds up its own stream alone, and a stop blames no unit") {
    VictimSite site("put victim hang\n", "retry_count: 1, parallel_transfers: 1");
    write_file(site.config(), "global: {top: " + site.home().string() + ", shutdown_grace: 2s}\n");
    site.add_stream("q");
    Daemon daemon(site);
    REQUIRE(eventually([&] { return site.uses() == 1; }));
    CHECK(site.carries("f", "q"));
    CHECK(daemon.stop());
    CHECK(read_file(site.source() / "victim") == "what must not be lost");
    CHECK_MESSAGE(records(site, "ERROR") == 0, site.log("dtc_p"));
    CHECK_FALSE(std::filesystem::exists(site.source() / "quarantine"));
    CHECK_FALSE(std::filesystem::exists(site.target() / "victim"));
}

TEST_SUITE_END();

}  // namespace mistamover::test
