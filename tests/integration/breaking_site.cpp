// SPDX-License-Identifier: BSD-3-Clause
#include "breaking_site.hpp"

#include <doctest/doctest.h>
#include <set>

#include "faulty_site.hpp"

namespace mistamover::test {

std::size_t BreakingSite::times_gone_on() const {
    return count_of("goes on with", log(module_log_));
}

void BreakingSite::send_and_break(const std::string& content, std::uintmax_t size) {
    // What the server has not written yet is among what was carried.
    proxy.stall_after(size + 4 * megabyte);
    write_file(source() / "f", content);
    REQUIRE_MESSAGE(eventually([&] { return bytes_below(target()) > size; }), logs());
    proxy.stall(true);
    proxy.cut();
    REQUIRE(eventually([&] { return log("dtc_p").find("(connection_lost") != std::string::npos; }));
    REQUIRE(std::filesystem::exists(source() / "f"));
}

void BreakingSite::send_and_cut(const std::string& content, std::uintmax_t each, unsigned times) {
    // Of what was carried some is on its way, and some is sent again. No more is carried, however late it is
    // seen that enough has arrived.
    const std::uintmax_t most = each + 12 * megabyte;
    proxy.stall_after(most);
    write_file(source() / "f", content);
    for (unsigned cut = 1; cut <= times; ++cut) {
        REQUIRE_MESSAGE(eventually([&] { return bytes_below(target()) > cut * each; }), logs());
        proxy.cut();
        proxy.stall(false);
        if (cut < times) {
            proxy.stall_after(most);
        }
    }
}

std::filesystem::path BreakingSite::leftover() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(target())) {
        if (entry.is_regular_file()) {
            return entry.path();
        }
    }
    return {};
}

void BreakingSite::check_arrives(const std::string& content) {
    proxy.stall(false);
    CHECK_MESSAGE(eventually([&] { return !std::filesystem::exists(source() / "f"); }), logs());
    CHECK((read_file(target() / "f") == content));
    CHECK(eventually([&] { return files_below(target()) == std::set<std::string>{"f"}; }));
    CHECK_FALSE(std::filesystem::exists(source() / "quarantine"));
}

}  // namespace mistamover::test
