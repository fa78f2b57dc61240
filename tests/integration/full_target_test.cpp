// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <optional>
#include <set>

#include "faulty_site.hpp"
#include "receiving_site.hpp"
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

// A sender by the arrivals protocol on a small disk, with a receiver on another one.
class SmallSender {
  public:
    SmallSender() {
        site.add_stream("p",
                        "target_uses_arrival_monitor: true, retry_delay: 100ms, "
                        "receipt_file_poll_interval: 200ms, exclude: [ballast]");
        receiver_.receive_in(site.target());
        receiver_.add_receiver();
        disk_.emplace(site.source(), 4);
        receiving_.emplace(receiver_);
    }

    // Empty ones: neither do they take room, nor do they leave any behind.
    void make_units(int first, int last) const {
        for (int unit = first; unit < last; ++unit) {
            write_file(site.source() / unit_name(unit), "");
        }
    }
    [[nodiscard]] std::filesystem::path reserve() const { return site.source() / ".mistamover-handshake"; }
    [[nodiscard]] bool has_whole_reserve() const {
        return eventually([&] { return names_in(reserve()).size() == 64; });
    }
    [[nodiscard]] bool delivers(std::size_t count) const {
        return eventually(
            [&] { return names_in(receiver_.source()).size() == count && site.state_of("p") == "idle"; });
    }
    [[nodiscard]] const SmallDisk& disk() const { return *disk_; }

    Site site;

  private:
    ReceivingSite receiver_;
    std::optional<SmallDisk> disk_;
    std::optional<Daemon> receiving_;
};

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

TEST_CASE("a full disk is drained by the arrivals protocol, though what goes leaves no room behind") {
    if (!may_mount()) {
        return;
    }
    const SmallSender sender;
    write_file(sender.site.source() / ".stop", "");
    std::optional<Daemon> daemon(sender.site);
    REQUIRE(sender.has_whole_reserve());
    sender.make_units(0, 200);
    sender.disk().leave_free(0);
    std::filesystem::remove(sender.site.source() / ".stop");
    CHECK_MESSAGE(sender.delivers(200), sender.site.log("dtc_p"));
    // Every receipt was thanked for, and nothing was sent that could not be announced.
    CHECK(eventually([&] { return files_below(std::set{sender.site.target()}).empty(); }));
    CHECK(count_of("(no_space)", sender.site.log("dtc_p")) == 0);

    CHECK(daemon->stop());
    CHECK(names_in(sender.site.source()) == std::set<std::string>{".mistamover-handshake", "ballast"});
    CHECK(sender.has_whole_reserve());
    daemon.emplace(sender.site);
    sender.make_units(200, 300);
    CHECK_MESSAGE(sender.delivers(300), sender.site.log("dtc_p"));
    CHECK(count_of("(no_space)", sender.site.log("dtc_p")) == 0);
    std::filesystem::remove(sender.site.source() / "ballast");
    CHECK(daemon->stop());
    CHECK(names_in(sender.site.source()).empty());
}

TEST_CASE("a disk without a free inode is drained by the arrivals protocol") {
    if (!may_mount()) {
        return;
    }
    const SmallSender sender;
    write_file(sender.site.source() / ".stop", "");
    const Daemon daemon(sender.site);
    REQUIRE(sender.has_whole_reserve());
    sender.make_units(0, 100);
    sender.disk().take_all_inodes();
    std::filesystem::rename(sender.site.source() / ".stop", sender.site.source() / ".kept");
    CHECK_MESSAGE(sender.delivers(100), sender.site.log("dtc_p"));
}

TEST_SUITE_END();

}  // namespace mistamover::test
