// SPDX-License-Identifier: BSD-3-Clause
#include "files/unit_names.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::files {

namespace fs = std::filesystem;

TEST_CASE("the quarantine is no unit, by whatever path it is named") {
    const test::Scratch scratch;
    fs::create_directories(scratch / "data/quarantine");
    fs::create_directory_symlink(scratch / "data", scratch / "alias");
    fs::create_directory_symlink(scratch / "data/quarantine", scratch / "elsewhere");
    for (const std::string path : {"data/quarantine", "data/quarantine/", "alias/quarantine", "elsewhere"}) {
        const UnitNames names(scratch / "data", scratch / path, {}, {});
        CHECK_FALSE(names.contain("quarantine"));
        CHECK(names.contain("other"));
        CHECK(names.quarantine_name() == "quarantine");
    }
    CHECK_FALSE(UnitNames(scratch / "alias", scratch / "data/quarantine", {}, {}).contain("quarantine"));
    CHECK_FALSE(UnitNames(scratch / "none", scratch / "none/quarantine", {}, {}).contain("quarantine"));
    fs::create_directory_symlink(scratch / "data/quarantine", scratch / "data/link");
    const UnitNames linked(scratch / "data", scratch / "data/link", {}, {});
    CHECK_FALSE(linked.contain("link"));
    CHECK_FALSE(linked.contain("quarantine"));
    CHECK(UnitNames(scratch / "data", scratch / "far/quarantine", {}, {}).contain("quarantine"));
}

}  // namespace mistamover::files
