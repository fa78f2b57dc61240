// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>

#include "faulty_site.hpp"
#include "small_disk.hpp"

namespace mistamover::test {
namespace {

constexpr int units = 20;
const std::string ballast(3'500'000, 'b');

std::string unit_name(int unit) {
    return "unit" + std::to_string(unit);
}

std::string unit_content(int unit) {
    return std::string(100'000, static_cast<char>('a' + unit));
}

// What is at the target under a final name is whole; gives the number of units there.
int whole_units(const Site& site) {
    int count = 0;
    for (int unit = 0; unit < units; ++unit) {
        if (std::filesystem::exists(site.target() / unit_name(unit))) {
            CHECK(read_file(site.target() / unit_name(unit)) == unit_content(unit));
            ++count;
        } else {
            CHECK(read_file(site.source() / unit_name(unit)) == unit_content(unit));
        }
    }
    return count;
}

}  // namespace

TEST_SUITE_BEGIN("full_target");

TEST_CASE("a full target is told once and kept away from, and used again as soon as there is room") {
    if (!may_mount()) {
        return;
    }
    Site site;
    // Two that met the end of the room at once would leave enough of it for one.
    site.add_stream("p", "parallel_transfers: 1");
    const SmallDisk disk(site.target(), 4);
    write_file(site.target() / "ballast", ballast);
    for (int unit = 0; unit < units; ++unit) {
        write_file(site.source() / unit_name(unit), unit_content(unit));
    }
    Daemon daemon(site);
    const auto tries = [&] { return count_of("(no_space)", site.log("dtc_p")); };
    REQUIRE(eventually([&] { return tries() >= 4 && site.state_of("p") == "backing-off"; }));
    CHECK(count_of("] ERROR ", site.log("dtc_p")) == 1);
    const int delivered = whole_units(site);
    CHECK(delivered > 0);
    CHECK(delivered < units);
    // Between two tries nothing else is there.
    CHECK(eventually([&] {
        const auto files = files_below(site.target());
        return files && std::all_of(files->begin(), files->end(), [](const std::string& name) {
                   return name == "ballast" || name.starts_with("unit");
               });
    }));
    CHECK_FALSE(std::filesystem::exists(site.source() / "quarantine"));

    std::filesystem::remove(site.target() / "ballast");
    CHECK(eventually([&] { return site.state_of("p") == "idle"; }));
    CHECK(daemon.stop());
    CHECK(whole_units(site) == units);
    CHECK(names_in(site.source()).empty());
    CHECK(names_in(site.target()).size() == units);
    CHECK(count_of("] ERROR ", site.log("dtc_p")) == 1);
    CHECK(count_of("the target can be used again", site.log("dtc_p")) == 1);
}

TEST_SUITE_END();

}  // namespace mistamover::test
