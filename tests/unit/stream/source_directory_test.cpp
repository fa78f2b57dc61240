// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_directory.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "full_disk.hpp"
#include "mere_user.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::stream {
namespace {

using test::MereUser;
using test::read_file;
using test::Scratch;
using test::write_file;

config::StreamSettings settings_for(const std::filesystem::path& directory) {
    config::StreamSettings settings;
    settings.directory = directory;
    settings.outgoing.stop_file = ".stop";
    settings.outgoing.quarantine_dir = directory / "quarantine";
    return settings;
}

const char* made_on_signal = nullptr;
void make_directory(int /*signal*/) {
    (void)::mkdir(made_on_signal, 0700);
}

}  // namespace

TEST_CASE("that units have gone is brought to the disk, whichever way they went") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    CHECK(source.write_out_removals() == 0);
    write_file(scratch / "d" / "f", "sent");
    CHECK(source.remove("d", look_at(source.fd(), "d").manifest) == SourceDirectory::Removal::removed);
    CHECK(std::filesystem::exists(scratch / ".mistamover/.deleted"));
    CHECK(source.write_out_removals() == 0);
    source.tidy();
    write_file(scratch / ".mistamover", "in the way");
    CHECK(source.write_out_removals() == 0);
}

TEST_CASE("a delivered unit is removed only while it is what was sent") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "f", "sent");
    const Manifest sent = look_at(source.fd(), "f").manifest;

    SUBCASE("unchanged") {
        CHECK(source.remove("f", sent) == SourceDirectory::Removal::removed);
        CHECK_FALSE(std::filesystem::exists(scratch / "f"));
    }
    SUBCASE("written again, to the same size, with its modification time set back") {
        const auto time = std::filesystem::last_write_time(scratch / "f");
        test::eventually([&] {  // until the kernel's clock has moved on
            write_file(scratch / "f", "SENT");
            return look_at(source.fd(), "f").manifest != sent;
        });
        std::filesystem::last_write_time(scratch / "f", time);
        CHECK(source.remove("f", sent) == SourceDirectory::Removal::changed);
        CHECK(read_file(scratch / "f") == "SENT");
    }
    SUBCASE("replaced by another file") {
        write_file(scratch / "other", "sent");
        std::filesystem::rename(scratch / "other", scratch / "f");
        CHECK(source.remove("f", sent) == SourceDirectory::Removal::changed);
        CHECK(read_file(scratch / "f") == "sent");
    }
    SUBCASE("open for writing") {
        std::ofstream writer(scratch / "f", std::ios::app);
        CHECK(source.remove("f", sent) == SourceDirectory::Removal::changed);
        CHECK(read_file(scratch / "f") == "sent");
    }
}

TEST_CASE("a directory in which something new has appeared is kept whole") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "d/a", "a");
    const Manifest sent = look_at(source.fd(), "d").manifest;
    write_file(scratch / "d/late", "late");
    CHECK(source.remove("d", sent) == SourceDirectory::Removal::changed);
    CHECK(read_file(scratch / "d/a") == "a");
    CHECK(read_file(scratch / "d/late") == "late");
}

TEST_CASE(
    "a changed unit whose name is taken before it can have it back goes to the quarantine, and is told") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "d/a", "a");
    const Manifest sent = look_at(source.fd(), "d").manifest;
    write_file(scratch / "d/late", "late");
    // The look at what was set aside asks for this lease back, at which the name is taken.
    process::UniqueFd holder(::open((scratch / "d/a").c_str(), O_RDWR | O_CLOEXEC));
    const std::string name_taken = (scratch / "d").string();
    made_on_signal = name_taken.c_str();
    std::signal(SIGIO, make_directory);
    REQUIRE(::fcntl(holder.get(), F_SETLEASE, F_WRLCK) == 0);
    const SourceDirectory::Removed removed = source.remove("d", sent);
    std::signal(SIGIO, SIG_IGN);
    holder.reset();
    CHECK(removed == SourceDirectory::Removal::displaced);
    CHECK(removed.left.quarantined_as == "d");
    CHECK(removed.left.error.empty());
    CHECK(std::filesystem::is_empty(scratch / "d"));
    CHECK(read_file(scratch / "quarantine/d/a") == "a");
    CHECK(read_file(scratch / "quarantine/d/late") == "late");
}

TEST_CASE("on a full disk a directory is removed, too") {
    if (!test::may_mount()) {
        return;
    }
    const test::FullDisk disk;
    SourceDirectory source(settings_for(disk.path()));
    write_file(disk.path() / "d/sub/a", "a");
    write_file(disk.path() / "kept/a", "a");
    const Manifest sent = look_at(source.fd(), "d").manifest;
    const Manifest kept = look_at(source.fd(), "kept").manifest;
    write_file(disk.path() / "kept/late", "late");
    disk.take_all_inodes();
    CHECK(source.remove("kept", kept) == SourceDirectory::Removal::changed);
    CHECK(read_file(disk.path() / "kept/late") == "late");
    CHECK(source.remove("d", sent) == SourceDirectory::Removal::removed);
    std::set<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(disk.path())) {
        left.insert(entry.path().filename().string());
    }
    CHECK(left == std::set<std::string>{"kept"});
}

TEST_CASE("a directory whose entries may not be deleted is kept whole, which is a failure") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "d/a", "a");
    write_file(scratch / "d/closed/b", "b");
    if (::geteuid() == 0) {
        for (const char* path : {"", "d", "d/a", "d/closed", "d/closed/b"}) {
            REQUIRE(::chown((scratch / path).c_str(), MereUser::id, MereUser::id) == 0);
        }
    }
    const MereUser user;
    std::filesystem::permissions(scratch / "d/closed", std::filesystem::perms{0555});
    const Manifest sent = look_at(source.fd(), "d").manifest;
    CHECK_THROWS_AS((void)source.remove("d", sent), std::system_error);
    CHECK(read_file(scratch / "d/a") == "a");
    CHECK(read_file(scratch / "d/closed/b") == "b");
    std::filesystem::permissions(scratch / "d/closed", std::filesystem::perms{0755});
    CHECK(source.remove("d", sent) == SourceDirectory::Removal::changed);  // its mode is another
    CHECK(source.remove("d", look_at(source.fd(), "d").manifest) == SourceDirectory::Removal::removed);
}

TEST_CASE("a file that was set aside where there was no room for a directory gets its name back") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / ".mistamover.aside.free", "one");
    write_file(scratch / ".mistamover.aside.taken", "old");
    write_file(scratch / "taken", "new");
    CHECK(source.recover().size() == 2);
    CHECK(read_file(scratch / "free") == "one");
    CHECK(read_file(scratch / "taken") == "new");
    CHECK(read_file(scratch / "quarantine/taken") == "old");
}

TEST_CASE("of what lies beside the units, what was being deleted is never taken for one") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / ".mistamover.aside.whole/f", "whole");
    write_file(scratch / ".mistamover.deleted.half/rest", "rest");
    using All = std::vector<SourceDirectory::Recovered>;
    CHECK(source.quarantine_half_deleted() == All{{"half", "half", ""}});
    CHECK(source.recover() == All{{"whole", "", ""}});
    CHECK(read_file(scratch / "whole/f") == "whole");
    CHECK(read_file(scratch / "quarantine/half/rest") == "rest");
    CHECK_FALSE(std::filesystem::exists(scratch / "half"));
}

TEST_CASE("a probe that a crash left behind goes, and is not told of") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    const std::string probe = std::string(SourceDirectory::probe_prefix) + "0123456789abcdef";
    write_file(scratch / probe, "");
    write_file(scratch / "unit", "one");
    CHECK(source.recover().empty());
    CHECK_FALSE(std::filesystem::exists(scratch / probe));
    CHECK(read_file(scratch / "unit") == "one");
}

TEST_CASE("what a crash left aside gets its name back, or a place in the quarantine") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / ".mistamover/free", "one");
    write_file(scratch / ".mistamover/taken", "old");
    write_file(scratch / "taken", "new");
    const std::set<std::string> quarantined{"", "taken"};
    std::set<std::string> told;
    for (const SourceDirectory::Recovered& unit : source.recover()) {
        CHECK(unit.error.empty());
        CHECK(unit.quarantined_as == (unit.name == "taken" ? "taken" : ""));
        told.insert(unit.quarantined_as);
    }
    CHECK(told == quarantined);
    CHECK(read_file(scratch / "free") == "one");
    CHECK(read_file(scratch / "taken") == "new");
    CHECK(read_file(scratch / "quarantine/taken") == "old");
    CHECK_FALSE(std::filesystem::exists(scratch / ".mistamover"));
}

TEST_CASE("what cannot be opened may hide units: a start fails by it, but that of a mirror") {
    const Scratch scratch;
    config::StreamSettings settings = settings_for(scratch.path());
    write_file(scratch / ".mistamover", "in the way");
    SourceDirectory source(settings);
    CHECK_THROWS_AS((void)source.quarantine_half_deleted(), std::system_error);
    CHECK_THROWS_AS((void)source.recover(), std::system_error);
    CHECK_THROWS_AS(source.check_removals(), std::system_error);
    settings.outgoing.mode = TransferMode::mirror;
    SourceDirectory mirrored(settings);
    CHECK(mirrored.quarantine_half_deleted().empty());
    CHECK(mirrored.recover().empty());
    CHECK(read_file(scratch / ".mistamover") == "in the way");
}

TEST_CASE("the quarantine keeps every version, of the longest name too") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    const std::string name(255, 'n');
    for (int version = 0; version < 3; ++version) {
        write_file(scratch / name, std::to_string(version));
        source.quarantine(name);
    }
    int kept = 0;
    for (const auto& entry : std::filesystem::directory_iterator(scratch / "quarantine")) {
        kept += entry.is_regular_file() ? 1 : 0;
    }
    CHECK(kept == 3);
}

TEST_CASE("names of one file are each what was sent, though the removal of one changes the others") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "a", "x");
    for (const char* name : {"b", "c"}) {
        std::filesystem::create_hard_link(scratch / "a", scratch / name);
    }
    std::map<std::string, Manifest> sent;
    for (const char* name : {"a", "b", "c"}) {
        sent[name] = look_at(source.fd(), name).manifest;
    }
    CHECK(source.remove("a", sent["a"]) == SourceDirectory::Removal::removed);
    CHECK(source.remove("b", sent["b"]) == SourceDirectory::Removal::removed);
    write_file(scratch / "c", "y");
    CHECK(source.remove("c", sent["c"]) == SourceDirectory::Removal::changed);
    CHECK(read_file(scratch / "c") == "y");
}

TEST_CASE("one more name of a file that was written to since is kept, though nothing but its ctime tells") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "a", "sent");
    std::filesystem::create_hard_link(scratch / "a", scratch / "b");
    const Manifest sent_a = look_at(source.fd(), "a").manifest;
    const Manifest sent_b = look_at(source.fd(), "b").manifest;
    CHECK(source.remove("a", sent_a) == SourceDirectory::Removal::removed);
    const Manifest after = look_at(source.fd(), "b").manifest;
    const auto time = std::filesystem::last_write_time(scratch / "b");
    REQUIRE(test::eventually([&] {  // until the kernel's clock has moved on
        write_file(scratch / "b", "SENT");
        std::filesystem::last_write_time(scratch / "b", time);
        return look_at(source.fd(), "b").manifest != after;
    }));
    CHECK(source.remove("b", sent_b) == SourceDirectory::Removal::changed);
    CHECK(read_file(scratch / "b") == "SENT");
}

TEST_CASE(
    "directories that share files are each what was sent, though the removal of one changes the other") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "one/a", "x");
    std::filesystem::create_hard_link(scratch / "one/a", scratch / "one/b");
    std::filesystem::create_directory(scratch / "two");
    std::filesystem::create_hard_link(scratch / "one/a", scratch / "two/a");
    std::filesystem::create_hard_link(scratch / "one/a", scratch / "file");
    const Manifest one = look_at(source.fd(), "one").manifest;
    const Manifest two = look_at(source.fd(), "two").manifest;
    const Manifest file = look_at(source.fd(), "file").manifest;
    CHECK(source.remove("one", one) == SourceDirectory::Removal::removed);
    CHECK(source.remove("file", file) == SourceDirectory::Removal::removed);
    CHECK(source.remove("two", two) == SourceDirectory::Removal::removed);
}

TEST_CASE("a unit that the quarantine cannot take keeps its name") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / "f", "f");
    write_file(scratch / "quarantine", "no directory");
    CHECK_THROWS_AS(source.quarantine("f"), std::system_error);
    CHECK(read_file(scratch / "f") == "f");
    CHECK(source.recover().empty());
}

TEST_CASE("an operator's stop file is told from the disk space monitor's") {
    const Scratch scratch;
    const SourceDirectory source(settings_for(scratch.path()));
    CHECK(source.stop_author() == files::StopAuthor::none);
    write_file(scratch / ".stop", "");
    CHECK(source.stop_author() == files::StopAuthor::somebody_else);
    write_file(scratch / ".stop", files::disk_space_stop_text("disk", 1'700'000'000));
    CHECK(source.stop_author() == files::StopAuthor::somebody_else);  // touched
    const timespec made[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (scratch / ".stop").c_str(), made, 0) == 0);
    CHECK(source.stop_author() == files::StopAuthor::disk_space_monitor);
}

TEST_CASE("what a crash leaves of a directory that was being deleted is never taken for a unit") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / ".mistamover" / ".deleted" / "d" / "rest", "rest");
    write_file(scratch / ".mistamover" / "f", "f");
    using All = std::vector<SourceDirectory::Recovered>;
    CHECK(source.quarantine_half_deleted() == All{{"d", "d", ""}});
    CHECK(source.recover() == All{{"f", "", ""}});
    CHECK(read_file(scratch / "quarantine" / "d" / "rest") == "rest");
    CHECK(read_file(scratch / "f") == "f");
    CHECK_FALSE(std::filesystem::exists(scratch / ".mistamover"));
}

TEST_CASE(
    "what cannot be put away stays set aside, keeps no other there, and is put away by the next start") {
    const Scratch scratch;
    SourceDirectory source(settings_for(scratch.path()));
    write_file(scratch / ".mistamover/.deleted/d/rest", "rest");
    write_file(scratch / ".mistamover/f", "f");
    write_file(scratch / ".mistamover/taken", "old");
    write_file(scratch / "taken", "new");
    write_file(scratch / "quarantine", "in the way");
    const auto halves = source.quarantine_half_deleted();
    REQUIRE(halves.size() == 1);
    CHECK_FALSE(halves.front().error.empty());
    for (const SourceDirectory::Recovered& unit : source.recover()) {
        CHECK(unit.quarantined_as.empty());
        CHECK(unit.error.empty() == (unit.name == "f"));
    }
    CHECK(read_file(scratch / "f") == "f");
    CHECK(read_file(scratch / "taken") == "new");
    CHECK(read_file(scratch / ".mistamover/taken") == "old");
    CHECK(read_file(scratch / ".mistamover/.deleted/d/rest") == "rest");
    std::filesystem::remove(scratch / "quarantine");
    CHECK(source.quarantine_half_deleted().size() == 1);
    CHECK(source.recover().size() == 1);
    CHECK(read_file(scratch / "quarantine/d/rest") == "rest");
    CHECK(read_file(scratch / "quarantine/taken") == "old");
    CHECK_FALSE(std::filesystem::exists(scratch / ".mistamover"));
}

}  // namespace mistamover::stream
