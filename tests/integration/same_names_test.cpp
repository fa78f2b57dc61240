// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "faulty_site.hpp"

namespace mistamover::test {
namespace {

using Names = std::set<std::string>;

/// A stream to a target that takes names for one which differ in case alone.
struct OneCaseSite : FaultySite {
    explicit OneCaseSite(const std::string& plugin = "", unsigned sessions = 4,
                         const std::string& directories = "tree") {
        add_faulty_stream("retry_count: 2, retry_delay: 20ms, directories: " + directories +
                              ", parallel_transfers: " + std::to_string(sessions),
                          "one_case: true" + (plugin.empty() ? "" : ", " + plugin));
    }
    [[nodiscard]] std::filesystem::path quarantine() const { return source() / "quarantine"; }
};

/// A mirror at such a target.
struct OneCaseMirror : FaultySite {
    explicit OneCaseMirror(const std::string& outgoing = "", const std::string& plugin = "") {
        add_faulty_stream("transfer_mode: mirror, retry_count: 2, retry_delay: 20ms" + outgoing,
                          "one_case: true" + plugin);
    }
};

bool tells_why(const Site& site) {
    return site.log("dtc_p").find("the target takes this name for another's") != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("same_names");

TEST_CASE("what such a target has is not replaced by a file of another spelling, which is kept") {
    const OneCaseSite site;
    write_file(site.source() / "Report", "of yesterday");
    REQUIRE(site.one_off().exit_code == 0);
    write_file(site.source() / "report", "of today!!!!");
    write_file(site.source() / "other", "content");
    CHECK(site.one_off().exit_code == 1);
    CHECK(read_file(site.target() / "Report") == "of yesterday");
    CHECK(read_file(site.quarantine() / "report") == "of today!!!!");
    CHECK(names_in(site.target()) == Names{"Report", "other"});
    CHECK_MESSAGE(tells_why(site), site.log("dtc_p"));
}

TEST_CASE("a file replaces its earlier self at such a target") {
    const OneCaseSite site;
    for (const char* content : {"first", "other"}) {
        write_file(site.source() / "file", content);
        CHECK(site.one_off().exit_code == 0);
        CHECK(read_file(site.target() / "file") == content);
    }
    CHECK(names_in(site.source()).empty());
    CHECK(names_in(site.target()) == Names{"file"});
}

TEST_CASE("of files that such a target takes for one, none is lost, in one batch or in several") {
    for (const unsigned sessions : {1U, 4U}) {
        CAPTURE(sessions);
        const OneCaseSite site("", sessions);
        write_file(site.source() / "DATA", "first!");
        write_file(site.source() / "data", "second");
        write_file(site.source() / "Data", "third!");
        write_file(site.source() / "other", "content");
        CHECK(site.one_off().exit_code == 1);
        Names contents;
        for (const auto& directory : {site.target(), site.quarantine()}) {
            for (const std::string& name : names_in(directory)) {
                contents.insert(read_file(directory / name));
            }
        }
        CHECK(contents == Names{"first!", "second", "third!", "content"});
        CHECK(names_in(site.source()) == Names{"quarantine"});
        CHECK_MESSAGE(tells_why(site), site.log("dtc_p"));
    }
}

TEST_CASE("a directory with names that such a target takes for one is kept whole") {
    const OneCaseSite site;
    std::filesystem::create_directory(site.source() / "tree");
    write_file(site.source() / "tree/a", "first!");
    write_file(site.source() / "tree/A", "second");
    CHECK(site.one_off().exit_code == 1);
    CHECK(read_file(site.quarantine() / "tree/a") == "first!");
    CHECK(read_file(site.quarantine() / "tree/A") == "second");
    CHECK_MESSAGE(tells_why(site), site.log("dtc_p"));
}

TEST_CASE("as a zip file it is sent") {
    const OneCaseSite site("", 4, "zip");
    std::filesystem::create_directory(site.source() / "tree");
    write_file(site.source() / "tree/a", "first!");
    write_file(site.source() / "tree/A", "second");
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == Names{"tree.zip"});
    CHECK(names_in(site.source()).empty());
}

TEST_CASE("a directory goes to such a target, and not into one of another spelling") {
    const OneCaseSite site;
    std::filesystem::create_directories(site.source() / "Tree/below");
    write_file(site.source() / "Tree/below/file", "first!");
    CHECK(site.one_off().exit_code == 0);
    CHECK(read_file(site.target() / "Tree/below/file") == "first!");
    std::filesystem::create_directories(site.source() / "tree/below");
    write_file(site.source() / "tree/below/file", "second");
    CHECK(site.one_off().exit_code == 1);
    CHECK(read_file(site.target() / "Tree/below/file") == "first!");
    CHECK(read_file(site.quarantine() / "tree/below/file") == "second");
}

TEST_CASE("such a target that cannot list what it has is not used, and it is said what to do") {
    const OneCaseSite site("without: [list]");
    write_file(site.source() / "file", "content");
    const ProgramResult result = site.one_off();
    CHECK(result.exit_code == 1);
    CHECK(read_file(site.source() / "file") == "content");
    CHECK_MESSAGE(result.output.find("use the arrivals protocol") != std::string::npos, result.output);
}

TEST_CASE(
    "a mirror follows names whose case alone has changed, and keeps at such a target what it has sent") {
    const OneCaseMirror site;
    write_file(site.source() / "Report", "of yesterday");
    write_file(site.source() / "in/Note", "note");
    write_file(site.source() / "Data/below/file", "data");
    write_file(site.source() / "old", "goes");
    REQUIRE(site.one_off().exit_code == 0);
    std::filesystem::rename(site.source() / "Report", site.source() / "report");
    std::filesystem::rename(site.source() / "in/Note", site.source() / "in/note");
    std::filesystem::rename(site.source() / "Data", site.source() / "data");
    std::filesystem::remove(site.source() / "old");
    for (int pass = 0; pass < 2; ++pass) {
        const ProgramResult result = site.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("dtc_p"));
        CHECK(names_in(site.target()) == Names{"report", "in", "data"});
        CHECK(names_in(site.target() / "in") == Names{"note"});
        CHECK(read_file(site.target() / "report") == "of yesterday");
        CHECK(read_file(site.target() / "in/note") == "note");
        CHECK(read_file(site.target() / "data/below/file") == "data");
    }
    CHECK(count_of("sent report", site.log("dtc_p")) == 1);
}

TEST_CASE("a mirror that may remove nothing, or too little, sends nothing over what is spelled otherwise") {
    for (const std::string limit : {"mirror_delete: false", "max_delete: 0"}) {
        CAPTURE(limit);
        const OneCaseMirror site(", " + limit);
        write_file(site.source() / "Report", "of yesterday");
        REQUIRE(site.one_off().exit_code == 0);
        std::filesystem::remove(site.source() / "Report");
        write_file(site.source() / "report", "of today!!!!");
        write_file(site.source() / "other", "content");
        CHECK(site.one_off().exit_code == 1);
        CHECK(names_in(site.target()) == Names{"Report", "other"});
        CHECK(read_file(site.target() / "Report") == "of yesterday");
    }
}

TEST_CASE("a mirror does not say that names have arrived which such a target takes for one") {
    const OneCaseMirror site;
    write_file(site.source() / "data", "first!");
    write_file(site.source() / "DATA", "second");
    // So that whichever of them is there with the other's content is sent again.
    std::filesystem::last_write_time(site.source() / "data", std::filesystem::file_time_type());
    CHECK(site.one_off().exit_code == 1);
    CHECK_MESSAGE(tells_why(site), site.log("dtc_p"));
    const Names names = names_in(site.target());
    REQUIRE(names.size() == 1);
    CHECK(read_file(site.target() / *names.begin()) == read_file(site.source() / *names.begin()));
}

TEST_CASE("a native mirror has at such a target what it has sent, too") {
    const OneCaseMirror site("", ", native_mirror: true");
    write_file(site.source() / "Report", "of yesterday");
    REQUIRE(site.one_off().exit_code == 0);
    std::filesystem::rename(site.source() / "Report", site.source() / "report");
    CHECK(site.one_off().exit_code == 0);
    CHECK(names_in(site.target()) == Names{"report"});
    CHECK(read_file(site.target() / "report") == "of yesterday");
}

TEST_SUITE_END();

}  // namespace mistamover::test
