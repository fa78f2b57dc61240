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

TEST_SUITE_END();

}  // namespace mistamover::test
