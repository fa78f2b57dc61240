// SPDX-License-Identifier: BSD-3-Clause
#include "stream/mirror_pass.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <set>

#include "fake_session.hpp"
#include "scratch.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

using Names = std::set<std::string>;

/// A directory that is mirrored to a fake target, and mount tables for it.
struct Mirrored {
    test::Scratch scratch;
    std::filesystem::path source = std::filesystem::canonical(scratch.path()) / "source";
    files::MountTables tables{scratch / "mounted", scratch / "wanted"};
    config::StreamSettings settings;
    test::FakeSession session;
    CancelToken cancel;
    Settling settling;

    Mirrored() {
        std::signal(SIGIO, SIG_IGN);  // a lease that is broken is told by it
        std::filesystem::create_directory(source);
        std::filesystem::create_directory(scratch / "work");
        settings.directory = source;
        settings.outgoing.mode = TransferMode::mirror;
        settings.outgoing.settle_time = std::chrono::milliseconds{0};
        settings.outgoing.quarantine_dir = scratch / "quarantine";
        session.able = Capability::list | Capability::remove | Capability::set_time;
        mount_disk();
    }
    void mount_disk() const {
        test::write_file(tables.mounted,
                         "/dev/root / ext4 rw 0 0\n/dev/sdb1 " + source.string() + " ext4 rw 0 0\n");
    }
    void unmount_disk() const { test::write_file(tables.mounted, "/dev/root / ext4 rw 0 0\n"); }
    void put_in(const Names& names) const {
        for (const std::string& name : names) {
            test::write_file(source / name, name);
        }
    }
    [[nodiscard]] std::filesystem::path mark() const { return scratch / "work/source-mount"; }
    // By a new process.
    MirrorResult pass() {
        SourceMark source_mark(scratch / "work", source, tables);
        const SourceDirectory directory(settings);
        return MirrorPass(directory, source_mark, settling, settings.outgoing, session, nullptr, cancel)
            .run();
    }
    [[nodiscard]] Names at_target() const {
        Names names;
        for (const auto& [name, info] : session.target) {
            names.insert(name);
        }
        return names;
    }
};

bool says(const MirrorResult& result, const std::string& text) {
    return result.item.text().find(text) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a mount point whose disk is not there, with a file in it, deletes nothing at the target") {
    Mirrored mirrored;
    mirrored.put_in({"a", "b", "d/c"});
    const MirrorResult first = mirrored.pass();
    REQUIRE_MESSAGE((first.session.ok() && first.item.ok()), std::string(first.item.text()));
    const Names whole{"a", "b", "d", "d/c"};
    REQUIRE(mirrored.at_target() == whole);

    mirrored.unmount_disk();
    for (const char* name : {"a", "b", "d/c"}) {
        std::filesystem::remove(mirrored.source / name);
    }
    mirrored.put_in({"bare"});
    for (int pass = 0; pass < 2; ++pass) {
        const MirrorResult result = mirrored.pass();
        CHECK(says(result, "nothing is deleted at the target"));
        CHECK(says(result, mirrored.mark().string()));
        CHECK(mirrored.at_target() == whole);
    }
    SUBCASE("it is meant") {
        std::filesystem::remove(mirrored.mark());
        CHECK(mirrored.pass().item.ok());
        CHECK(mirrored.at_target() == Names{"bare", "d"});
    }
    SUBCASE("the disk comes back") {
        mirrored.mount_disk();
        std::filesystem::remove(mirrored.source / "bare");
        mirrored.put_in({"a", "d/c"});
        CHECK(mirrored.pass().item.ok());
        CHECK(mirrored.at_target() == Names{"a", "d", "d/c"});
    }
    SUBCASE("nothing is ever deleted") {
        mirrored.settings.outgoing.mirror_delete = false;
        CHECK(mirrored.pass().item.ok());
        CHECK(mirrored.at_target().contains("bare"));
        CHECK(mirrored.at_target().contains("a"));
    }
}

TEST_CASE("a mirror whose disk has another name now goes on where little has vanished") {
    Mirrored mirrored;
    mirrored.put_in({"a", "b", "c"});
    REQUIRE(mirrored.pass().item.ok());
    mirrored.unmount_disk();
    std::filesystem::remove(mirrored.source / "c");
    CHECK(mirrored.pass().item.ok());
    CHECK(mirrored.at_target() == Names{"a", "b"});
    std::filesystem::remove(mirrored.source / "a");
    std::filesystem::remove(mirrored.source / "b");
    mirrored.put_in({"d"});
    CHECK(mirrored.pass().item.ok());  // it lies where it did
    CHECK(mirrored.at_target() == Names{"d"});
}

TEST_CASE("of a unit in which a disk is not mounted nothing is deleted, and all others go on") {
    Mirrored mirrored;
    mirrored.put_in({"unit/disk/a", "unit/b", "other", "vanishes"});
    REQUIRE(mirrored.pass().item.ok());
    const auto want = [&](const std::string& below) {
        test::write_file(mirrored.tables.wanted,
                         "/dev/sdc1 " + (mirrored.source / below).string() + "/ ext4 nofail 0 2\n");
    };
    SUBCASE("it is empty") {
        want("unit/disk");
        std::filesystem::remove(mirrored.source / "unit/disk/a");
    }
    SUBCASE("it is not even there") {
        want("unit");
        std::filesystem::remove_all(mirrored.source / "unit");
    }
    std::filesystem::remove(mirrored.source / "vanishes");
    mirrored.put_in({"new"});
    const MirrorResult result = mirrored.pass();
    CHECK(result.session.ok());
    CHECK(says(result, "unit is left as it is at the target"));
    CHECK(mirrored.at_target() == Names{"new", "other", "unit", "unit/b", "unit/disk", "unit/disk/a"});
}

TEST_CASE("it is remembered since when each file of a mirror is as it is") {
    using namespace std::chrono_literals;
    Mirrored mirrored;
    mirrored.settings.outgoing.settle_time = 1h;
    mirrored.put_in({"a", "d/b"});
    const MirrorResult result = mirrored.pass();
    CHECK(Names(result.unsettled.begin(), result.unsettled.end()) == Names{"a", "d/b"});
    CHECK(result.settle_ms > 0);
    CHECK(mirrored.at_target() == Names{"d"});
    CHECK(mirrored.settling.size() == 2);
}

TEST_CASE("so many files that must settle are waited for instead of being named to a native mirror") {
    using namespace std::chrono_literals;
    constexpr int many = 3000;
    Mirrored mirrored;
    mirrored.session.able = mirrored.session.able | Capability::mirror;
    mirrored.settings.outgoing.settle_time = 3s;
    for (int file = 0; file < many; ++file) {
        mirrored.put_in({std::to_string(file)});
    }
    SUBCASE("until they have settled") {
        const MirrorResult result = mirrored.pass();
        CHECK(result.unsettled.empty());
        CHECK(mirrored.session.excluded_from_mirror == 0);
    }
    SUBCASE("or it is given up") {
        mirrored.settings.outgoing.settle_time = 1h;
        mirrored.cancel.cancel();
        const MirrorResult result = mirrored.pass();
        CHECK(result.unsettled.size() == many);
    }
    CHECK(mirrored.session.calls == std::vector<std::string>{"mirror"});
}

}  // namespace mistamover::stream
