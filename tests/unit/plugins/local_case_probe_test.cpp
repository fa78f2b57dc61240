// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <filesystem>

#include "local/case_probe.hpp"
#include "module_settings.hpp"
#include "scratch.hpp"

namespace mistamover::local::test {

TEST_CASE("a file system that tells names apart is known for it, and nothing is left on it") {
    const mistamover::test::Scratch scratch;
    mistamover::test::SettingsOfModule settings(option_specs);
    const std::string target = scratch.path().string();
    settings.values.target_dir = target;
    CaseProbe probe;
    CHECK(probe.tells_apart(LocalOptions(settings.get())));
    CHECK(std::filesystem::is_empty(scratch.path()));
    CHECK(probe.tells_apart(LocalOptions(settings.get())));
}

TEST_CASE("of a directory that is not there nothing is claimed, until it is") {
    const mistamover::test::Scratch scratch;
    mistamover::test::SettingsOfModule settings(option_specs);
    const std::string target = (scratch / "later").string();
    settings.values.target_dir = target;
    CaseProbe probe;
    CHECK_FALSE(probe.tells_apart(LocalOptions(settings.get())));
    std::filesystem::create_directory(target);
    CHECK(probe.tells_apart(LocalOptions(settings.get())));
}

}  // namespace mistamover::local::test
