// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/unit_removal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <map>
#include <optional>
#include <sys/mount.h>
#include <sys/stat.h>
#include <vector>

#include "disk_space/deletion_look.hpp"
#include "disk_space/unit_listing.hpp"
#include "files/directory_names.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"

namespace mistamover::test {

using namespace disk_space;
namespace fs = std::filesystem;

namespace {

// A directory with what may be deleted in it, and something outside that may not.
struct Removal {
    static constexpr int many = 100;
    Scratch scratch;
    fs::path outside = scratch / "outside";
    fs::path inside = scratch / "inside";
    process::UniqueFd fd;

    Removal() {
        write_file(outside / "precious", "data");
        fs::create_directories(inside);
        fd.reset(::open(inside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    [[nodiscard]] Unit unit(const std::string& name) const {
        UnitListing listing(inside, UnitPlace::data, {}, "");
        REQUIRE(listing.list([] { return true; }));
        for (const Unit& found : listing.units()) {
            if (found.name == name) {
                return found;
            }
        }
        FAIL("no unit " << name);
        return {};
    }
    [[nodiscard]] bool remove(const Unit& unit) const {
        told = 0;
        return remove_unit(
            fd.get(), unit, [this] { ++told; }, [] { return true; });
    }
    /// What has come under the unit's dot-name is looked at once more; false where it stays.
    [[nodiscard]] bool remove_from_aside(const Unit& unit) const {
        told = 0;
        return disk_space::remove_from_aside(
            fd.get(), unit, [this] { ++told; }, [] { return true; });
    }
    [[nodiscard]] std::optional<Gain> gain_of(const std::string& name) const {
        TreeLook look(fd.get(), name);
        CHECK(look.go_on([] { return true; }));
        return look.gain();
    }
    /// With many files.
    void make_tree(const std::string& name) const {
        for (int i = 0; i < many; ++i) {
            write_file(inside / name / std::to_string(i), "12345");
        }
    }
    [[nodiscard]] std::vector<std::string> names_in(const std::string& name) const {
        return files::directory_names(fd.get(), name, name);
    }
    [[nodiscard]] bool is_empty() const { return fs::is_empty(inside); }
    /// Ends all deletions that were begun; by dot-name.
    [[nodiscard]] std::map<std::string, BegunEnd::How> end_all() const {
        std::map<std::string, BegunEnd::How> ends;
        for (const BegunDeletion& begun : deletions_begun(fd.get(), inside.string())) {
            ends[begun.dot_name] = end_begun(fd.get(), begun, [] { return true; }).how;
        }
        return ends;
    }
    mutable int told = 0;
};

}  // namespace

TEST_CASE("files and trees go, and no link in them is followed") {
    const Removal at;
    write_file(at.inside / "file", "12345");
    CHECK(at.remove(at.unit("file")));
    CHECK(at.told == 1);
    write_file(at.inside / "tree" / "deep" / "file", "12345");
    fs::create_directory_symlink(at.outside, at.inside / "tree" / "link");
    fs::create_symlink(at.outside / "precious", at.inside / "tree" / "deep" / "link");
    fs::create_directory_symlink(at.outside, at.inside / "link");
    CHECK(at.gain_of("tree")->inodes == 5);
    CHECK_FALSE(at.gain_of("link").has_value());
    CHECK(at.remove(at.unit("tree")));
    CHECK(at.remove(at.unit("link")));
    CHECK(at.is_empty());
    CHECK(read_file(at.outside / "precious") == "data");
}

TEST_CASE("what is not the unit that was planned any more stays") {
    const Removal at;
    write_file(at.inside / "file", "old");
    const Unit planned = at.unit("file");
    write_file(at.inside / "new", "new");
    fs::rename(at.inside / "new", at.inside / "file");
    CHECK_FALSE(at.remove(planned));
    CHECK(read_file(at.inside / "file") == "new");
    const Unit again = at.unit("file");
    fs::permissions(at.inside / "file", fs::perms::owner_all);
    CHECK_FALSE(at.remove(again));
    fs::remove(at.inside / "file");
    fs::create_directory(at.inside / "file");
    CHECK_FALSE(at.remove(again));
    CHECK(fs::exists(at.inside / "file"));
    CHECK(at.told == 0);
}

TEST_CASE("what somebody has open stays: to delete it would free nothing") {
    const Removal at;
    write_file(at.inside / "file", "12345");
    write_file(at.inside / "tree" / "deep" / "file", "12345");
    {
        const process::UniqueFd reader(::open((at.inside / "file").c_str(), O_RDONLY | O_CLOEXEC));
        const process::UniqueFd writer(
            ::open((at.inside / "tree" / "deep" / "file").c_str(), O_WRONLY | O_CLOEXEC));
        CHECK_FALSE(at.remove(at.unit("file")));
        CHECK_FALSE(at.gain_of("tree").has_value());
        CHECK_FALSE(at.remove(at.unit("tree")));
    }
    CHECK(at.remove(at.unit("file")));
    CHECK(at.remove(at.unit("tree")));
    CHECK(at.is_empty());
}

TEST_CASE("a mount in a directory is not crossed, and keeps the directory") {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may mount");
        return;
    }
    const Removal at;
    write_file(at.inside / "tree" / "file", "12345");
    const fs::path mounted = at.inside / "tree" / "mounted";
    fs::create_directory(mounted);
    REQUIRE(::mount(at.outside.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) == 0);
    const Unit tree = at.unit("tree");
    CHECK_FALSE(at.gain_of("tree").has_value());
    CHECK_FALSE(at.remove(tree));
    CHECK(read_file(at.inside / "tree" / "file") == "12345");
    CHECK(::umount2(mounted.c_str(), MNT_DETACH) == 0);
    CHECK(at.remove(tree));
    CHECK(read_file(at.outside / "precious") == "data");
}

TEST_CASE("what somebody opens or replaces while it gets its dot-name has its name back") {
    const Removal at;
    write_file(at.inside / "file", "12345");
    write_file(at.inside / "tree" / "file", "12345");
    const Unit file = at.unit("file");
    const Unit tree = at.unit("tree");
    const auto set_aside = [&](const Unit& unit) {
        fs::rename(at.inside / unit.name, at.inside / looking_name(unit));
    };
    {
        const process::UniqueFd reader(::open((at.inside / "file").c_str(), O_RDONLY | O_CLOEXEC));
        const process::UniqueFd writer(::open((at.inside / "tree" / "file").c_str(), O_WRONLY | O_CLOEXEC));
        for (const Unit& unit : {file, tree}) {
            set_aside(unit);
            CHECK_FALSE(at.remove_from_aside(unit));
            CHECK(at.told == 0);
            CHECK(fs::exists(at.inside / unit.name));
        }
    }
    write_file(at.inside / "new", "new");
    fs::rename(at.inside / "new", at.inside / "file");
    set_aside(file);
    CHECK_FALSE(at.remove_from_aside(file));
    CHECK(read_file(at.inside / "file") == "new");
    set_aside(tree);
    CHECK(at.remove_from_aside(tree));
    CHECK(at.told == 1);
}

TEST_CASE("where the kernel does not tell of users, what has just changed stays") {
    const Removal at;
    write_file(at.inside / "file", "12345");
    fs::create_symlink("/nowhere", at.inside / "link");
    REQUIRE(::mkfifo((at.inside / "pipe").c_str(), 0600) == 0);
    CHECK(use_of(at.fd.get(), "file") == Use::none);
    CHECK(use_of(at.fd.get(), "link") == Use::none);
    CHECK(use_of(at.fd.get(), "pipe") == Use::unknown);
    CHECK(use_of(at.fd.get(), "missing") == Use::gone);
    CHECK_FALSE(at.remove(at.unit("pipe")));
    fs::create_directory(at.inside / "tree");
    REQUIRE(::mkfifo((at.inside / "tree" / "pipe").c_str(), 0600) == 0);
    CHECK_FALSE(at.gain_of("tree").has_value());
    const std::int64_t one_second = 1'000'000'000;
    CHECK_FALSE(is_long_unchanged(100 * one_second, 105 * one_second - 1));
    CHECK(is_long_unchanged(100 * one_second, 105 * one_second));
    CHECK_FALSE(is_long_unchanged(100 * one_second, 90 * one_second));
    CHECK(allows_deletion(Use::unknown, 0));
    CHECK_FALSE(allows_deletion(Use::gone, 0));
}

TEST_CASE("a deletion that a crash has interrupted is ended, if it is of the unit that was to go") {
    const Removal at;
    write_file(at.inside / "tree" / "rest", "12345");
    const Unit tree = at.unit("tree");
    fs::rename(at.inside / "tree", at.inside / deleting_name(tree));
    write_file(at.inside / ".mistamover-deleting-1-other" / "rest", "12345");
    write_file(at.inside / ".mistamover-deleting-1-file", "whole");
    using How = BegunEnd::How;
    CHECK(at.end_all() == std::map<std::string, How>{{deleting_name(tree), How::deleted},
                                                     {".mistamover-deleting-1-other", How::left},
                                                     {".mistamover-deleting-1-file", How::given_back}});
    CHECK_FALSE(fs::exists(at.inside / deleting_name(tree)));
    CHECK_FALSE(fs::exists(at.inside / "tree"));
    CHECK(fs::exists(at.inside / ".mistamover-deleting-1-other" / "rest"));
    CHECK(read_file(at.inside / "file") == "whole");
}

TEST_CASE("what a crash has left before it was decided to delete it is whole, and has its name back") {
    const Removal at;
    write_file(at.inside / "tree" / "file", "12345");
    write_file(at.inside / "file", "12345");
    for (const Unit& unit : {at.unit("tree"), at.unit("file")}) {
        fs::rename(at.inside / unit.name, at.inside / looking_name(unit));
    }
    write_file(at.inside / ".mistamover-looking-1-another", "new");
    write_file(at.inside / ".mistamover-looking-1-taken", "older");
    write_file(at.inside / "taken", "newer");
    const std::string cut = looking_name({UnitPlace::data, std::string(255, 'n'), 1, 0, false, {}});
    write_file(at.inside / cut, "whose?");
    std::map<BegunEnd::How, int> ends;
    for (const auto& [dot_name, how] : at.end_all()) {
        ++ends[how];
    }
    CHECK(ends == std::map<BegunEnd::How, int>{{BegunEnd::How::given_back, 3}, {BegunEnd::How::left, 2}});
    CHECK(read_file(at.inside / "tree" / "file") == "12345");
    CHECK(read_file(at.inside / "file") == "12345");
    CHECK(read_file(at.inside / "another") == "new");
    CHECK(read_file(at.inside / "taken") == "newer");
    CHECK(read_file(at.inside / ".mistamover-looking-1-taken") == "older");
    CHECK(read_file(at.inside / cut) == "whose?");
}

TEST_CASE("what must not go, and cannot have its name back, is not deleted later either") {
    const Removal at;
    write_file(at.inside / "tree" / "file", "12345");
    const Unit tree = at.unit("tree");
    {
        const process::UniqueFd writer(::open((at.inside / "tree" / "file").c_str(), O_WRONLY | O_CLOEXEC));
        fs::rename(at.inside / "tree", at.inside / looking_name(tree));
        write_file(at.inside / "tree", "newer");
        CHECK_THROWS((void)at.remove_from_aside(tree));
    }
    CHECK(at.end_all().at(looking_name(tree)) == BegunEnd::How::left);
    fs::remove(at.inside / "tree");
    CHECK(at.end_all().at(looking_name(tree)) == BegunEnd::How::given_back);
    CHECK(read_file(at.inside / "tree" / "file") == "12345");
}

TEST_CASE("a directory has another dot-name once something in it may have gone, and a file has none") {
    const Removal at;
    write_file(at.inside / "tree" / "file", "12345");
    write_file(at.inside / "file", "12345");
    for (const Unit& unit : {at.unit("tree"), at.unit("file")}) {
        std::vector<BegunDeletion> begun;
        CHECK(remove_unit(
            at.fd.get(), unit, [&] { begun = deletions_begun(at.fd.get(), at.inside.string()); },
            [] { return true; }));
        REQUIRE(begun.size() == 1);
        CHECK(begun.front().decided == unit.directory);
        CHECK(begun.front().name == unit.name);
    }
    CHECK(at.is_empty());
}

TEST_CASE("a directory that cannot have the name of one that is being deleted keeps its own, and all in it") {
    const Removal at;
    write_file(at.inside / "tree" / "file", "12345");
    const Unit tree = at.unit("tree");
    write_file(at.inside / deleting_name(tree), "in the way");
    CHECK_THROWS((void)at.remove(tree));
    CHECK(at.told == 0);
    CHECK(read_file(at.inside / "tree" / "file") == "12345");
}

TEST_CASE("what is not to be deleted any more has its name back before anything of it goes") {
    const Removal at;
    write_file(at.inside / "file", "12345");
    write_file(at.inside / "tree" / "file", "12345");
    for (const Unit& unit : {at.unit("file"), at.unit("tree")}) {
        CHECK_FALSE(remove_unit(
            at.fd.get(), unit, [&] { ++at.told; }, [] { return false; }));
        CHECK(fs::exists(at.inside / unit.name));
    }
    CHECK(at.told == 0);
    CHECK(deletions_begun(at.fd.get(), at.inside.string()).empty());
    CHECK(fs::exists(at.inside / "tree" / "file"));
}

TEST_CASE("a large directory is looked through as long as it is to go on, and keeps its name else") {
    const Removal at;
    at.make_tree("tree");
    int asked = 0;
    CHECK_FALSE(remove_unit(
        at.fd.get(), at.unit("tree"), [&] { ++at.told; }, [&] { return ++asked < 5; }));
    CHECK(asked == 5);  // in the second look, under the dot-name
    CHECK(at.told == 0);
    CHECK(at.names_in("tree").size() == Removal::many);
    asked = 0;
    CHECK_FALSE(remove_unit(
        at.fd.get(), at.unit("tree"), [&] { ++at.told; }, [&] { return ++asked < 2; }));
    CHECK(asked == 2);
    CHECK(at.remove(at.unit("tree")));
    CHECK(at.is_empty());
}

TEST_CASE("what vanishes from a directory does not forbid to plan it, but to delete it then") {
    const Removal at;
    at.make_tree("tree");
    const auto somebody_works = [&] {
        for (const std::string& name : at.names_in("tree")) {
            fs::remove(at.inside / "tree" / name);
        }
        return true;
    };
    {
        TreeLook look(at.fd.get(), "tree");
        CHECK_FALSE(look.go_on([&] { return !somebody_works(); }));
        CHECK_FALSE(look.has_changed());
        CHECK(look.go_on([] { return true; }));
        CHECK(look.has_changed());
        REQUIRE(look.gain().has_value());
        CHECK(look.gain()->inodes > 1);
        CHECK(look.gain()->inodes < Removal::many);
    }
    at.make_tree("tree");
    CHECK_FALSE(remove_unit(
        at.fd.get(), at.unit("tree"), [&] { ++at.told; }, somebody_works));
    CHECK(at.told == 0);
    CHECK(fs::exists(at.inside / "tree"));
}

TEST_CASE("a deletion that is to end leaves the rest under its dot-name, to be ended later") {
    const Removal at;
    for (const char* name : {"a", "b", "c"}) {
        write_file(at.inside / "tree" / name, "12345");
    }
    const Unit tree = at.unit("tree");
    int left = 3;  // before it begins, and before two entries
    const auto thrice = [&] { return left-- > 0; };
    CHECK_THROWS(remove_unit(
        at.fd.get(), tree, [] {}, thrice));
    const fs::path aside = at.inside / deleting_name(tree);
    CHECK(std::distance(fs::directory_iterator(aside), {}) == 1);
    const auto begun = deletions_begun(at.fd.get(), at.inside.string());
    REQUIRE(begun.size() == 1);
    CHECK_THROWS(end_begun(at.fd.get(), begun.front(), [] { return false; }));
    CHECK(std::distance(fs::directory_iterator(aside), {}) == 1);
    const BegunEnd end = end_begun(at.fd.get(), begun.front(), [] { return true; });
    CHECK(end.how == BegunEnd::How::deleted);
    CHECK(end.bytes >= 5);
    CHECK(at.is_empty());
}

TEST_CASE("a dot-name of another form is no deletion") {
    const Removal at;
    for (const std::string form :
         {"file", "7", "7-", "-file", "07-file", "-7-file", "7x-file", "99999999999999999999-file"}) {
        write_file(at.inside / (".mistamover-deleting-" + form), "12345");
        write_file(at.inside / (".mistamover-looking-" + form), "12345");
    }
    write_file(at.inside / ".mistamover" / "other", "12345");
    CHECK(deletions_begun(at.fd.get(), at.inside.string()).empty());
}

TEST_CASE("a name as long as names may be can be deleted") {
    const Removal at;
    const std::string name(255, 'n');
    write_file(at.inside / name, "12345");
    CHECK(at.remove(at.unit(name)));
    CHECK(at.is_empty());
}

}  // namespace mistamover::test
