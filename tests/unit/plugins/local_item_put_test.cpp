// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "local_fixture.hpp"
#include "local_system_calls.hpp"

namespace mistamover::local::test {
namespace {

void set_mtime(const fs::path& path, std::int64_t seconds, long nanoseconds) {
    const std::array<timespec, 2> times{timespec{seconds, 0}, timespec{seconds, nanoseconds}};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

/// Checks a copy of a file with `content`, mode 0640 and a time with nanoseconds.
void check_copied(Bench& bench, const std::string& name, const std::string& content) {
    CHECK(bench.delivered() == std::vector<std::string>{name});
    CHECK(read_file(bench.target(name)) == content);
    const struct stat copy = look(bench.target(name));
    CHECK((copy.st_mode & 07777) == 0640);
    CHECK(copy.st_mtim.tv_sec == 1'000'000'000);
    CHECK(copy.st_mtim.tv_nsec == 123'456'789);
}

void write_marked(const fs::path& path, const std::string& content) {
    write_file(path, content);
    fs::permissions(path, static_cast<fs::perms>(0640));
    set_mtime(path, 1'000'000'000, 123'456'789);
}

}  // namespace

TEST_CASE("a move on one file system renames the source over what is there") {
    Bench bench;
    write_file(bench.source("a"), "new");
    write_file(bench.target("a"), "old");
    const struct stat before = look(bench.source("a"));
    CHECK(bench.put_one("a", true).ok());
    CHECK(bench.sink.reports[0].source_taken);
    CHECK(bench.sink.reports[0].bytes_sent == 3);
    CHECK_FALSE(fs::exists(bench.source("a")));
    CHECK(look(bench.target("a")).st_ino == before.st_ino);
    CHECK(bench.delivered() == std::vector<std::string>{"a"});
}

TEST_CASE("a mirror on one file system copies and leaves the source as it was") {
    Bench bench;
    const std::string content = pattern_of(3'000'001);
    write_marked(bench.source("a"), content);
    const struct stat before = look(bench.source("a"));
    CHECK(bench.put_one("a", false).ok());
    CHECK_FALSE(bench.sink.reports[0].source_taken);
    check_copied(bench, "a", content);
    const struct stat after = look(bench.source("a"));
    CHECK(after.st_ino == before.st_ino);
    CHECK(after.st_atim.tv_sec == before.st_atim.tv_sec);
    CHECK(look(bench.target("a")).st_ino != before.st_ino);
}

TEST_CASE("a move to another file system copies, in either direction and for every size") {
    const std::array<std::pair<fs::path, fs::path>, 2> ways{
        std::pair{first_file_system(), other_file_system()},
        std::pair{other_file_system(), first_file_system()}};
    for (const auto& [from, to] : ways) {
        for (const std::size_t size : {0UL, 1UL, 4096UL, 65'536UL, 65'537UL, 5'000'003UL}) {
            CAPTURE(size);
            Bench bench(from, to);
            const std::string content = pattern_of(size);
            write_marked(bench.source("a"), content);
            CHECK(bench.put_one("a", true).ok());
            CHECK_FALSE(bench.sink.reports[0].source_taken);
            CHECK(bench.sink.reports[0].bytes_sent == size);
            CHECK(bench.context.progressed == size);
            CHECK(fs::exists(bench.source("a")));
            check_copied(bench, "a", content);
        }
    }
}

TEST_CASE("publish: direct writes under the final name") {
    Bench bench(first_file_system(), other_file_system());
    write_marked(bench.source("a"), "new");
    write_file(bench.target("a"), "what was there before is longer");
    CHECK(bench.put_one("a", true, Publish::direct).ok());
    check_copied(bench, "a", "new");
    CHECK_FALSE(fs::exists(bench.target(temp_name)));
}

TEST_CASE("a source that is not the one the core has seen is neither sent nor touched") {
    using Change = void (*)(const fs::path& file);
    const std::map<std::string, Change> changes{
        {"replaced",
         [](const fs::path& file) {
             write_file(file.string() + ".new", "mean");
             fs::rename(file.string() + ".new", file);
         }},
        {"longer", [](const fs::path& file) { write_file(file, "seen and more"); }},
        {"touched", [](const fs::path& file) { set_mtime(file, 1'000'000'000, 0); }},
        {"gone", [](const fs::path& file) { fs::remove(file); }},
        {"a symbolic link now",
         [](const fs::path& file) {
             fs::remove(file);
             fs::create_symlink("/etc/passwd", file);
         }},
        {"a FIFO now",
         [](const fs::path& file) {
             fs::remove(file);
             REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
         }},
    };
    for (const auto& [what, change] : changes) {
        const std::string& name = what;
        for (const fs::path& to : {first_file_system(), other_file_system()}) {
            for (const Publish publish : {Publish::rename, Publish::direct}) {
                CAPTURE(name);
                Bench bench(first_file_system(), to);
                write_file(bench.source("a"), "seen");
                write_file(bench.target("a"), "old");
                const PutItem item = item_of(bench.source(), "a");
                change(bench.source("a"));
                const bool there = fs::exists(fs::symlink_status(bench.source("a")));
                CHECK(bench.put_items({item}, true, publish).ok());
                CHECK(bench.sink.statuses[0].code() == StatusCode::source_changed);
                CHECK(bench.sink.statuses[0].scope() == StatusScope::item);
                CHECK(fs::exists(fs::symlink_status(bench.source("a"))) == there);
                CHECK(read_file(bench.target("a")) == "old");
                CHECK(bench.delivered() == std::vector<std::string>{"a"});
            }
        }
    }
}

TEST_CASE("a source that changes while it is copied is not published") {
    Bench bench(first_file_system(), other_file_system());
    const std::string content = pattern_of(2'000'000);
    write_marked(bench.source("a"), content);
    write_file(bench.target("a"), "old");
    bool done = false;
    std::function<void()> change;
    SUBCASE("appended to") {
        change = [&] { std::ofstream(bench.source("a"), std::ios::app) << "more"; };
    }
    SUBCASE("overwritten, and its time set back") {
        change = [&] {
            std::fstream(bench.source("a"), std::ios::in | std::ios::out) << "XX";
            set_mtime(bench.source("a"), 1'000'000'000, 123'456'789);
        };
    }
    SUBCASE("truncated") {
        change = [&] { fs::resize_file(bench.source("a"), 500'000); };
    }
    SUBCASE("replaced by another file") {
        change = [&] {
            write_file(bench.source("b"), "other");
            fs::rename(bench.source("b"), bench.source("a"));
        };
    }
    bench.context.on_progress = [&] {
        if (!std::exchange(done, true)) {
            change();
        }
    };
    const Status status = bench.put_one("a", true);
    CHECK(done);
    CHECK(status.code() == StatusCode::source_changed);
    CHECK(fs::exists(bench.source("a")));
    CHECK(read_file(bench.target("a")) == "old");
    CHECK(bench.delivered() == std::vector<std::string>{"a"});
}

TEST_CASE("a source that changes while its copy is brought to the disk is not published") {
    for (const Publish publish : {Publish::rename, Publish::direct}) {
        Bench bench;
        bench.fsync = true;
        write_marked(bench.source("a"), "as sent");
        DiskLog log;
        bool done = false;
        log.on_contents = [&] {
            done = true;
            write_file(bench.source("a"), "changed");
        };
        CHECK(bench.put_one("a", false, publish).code() == StatusCode::source_changed);
        CHECK(done);
        CHECK(bench.delivered().empty());
        CHECK(read_file(bench.source("a")) == "changed");
    }
}

TEST_CASE("a failed copy under the final name leaves nothing partial there") {
    Bench bench(first_file_system(), other_file_system());
    write_file(bench.source("a"), pattern_of(2'000'000));
    bench.context.on_progress = [&] { fs::resize_file(bench.source("a"), 10); };
    CHECK(bench.put_one("a", true, Publish::direct).code() == StatusCode::source_changed);
    CHECK(bench.delivered().empty());
}

TEST_CASE("a cancelled put stops in the middle of a file, leaves nothing partial and tries no further item") {
    Bench bench(first_file_system(), other_file_system());
    write_file(bench.source("a"), "small");
    write_file(bench.source("b"), pattern_of(8'000'000));
    write_file(bench.source("c"), "not tried");
    bench.context.on_progress = [&] { bench.context.is_cancelled = bench.context.progressed > 5; };
    CHECK(bench.put({"a", "b", "c"}, true).code() == StatusCode::cancelled);
    CHECK(bench.sink.statuses.size() == 2);
    CHECK(bench.sink.statuses[0].ok());
    CHECK(bench.sink.statuses[1].code() == StatusCode::cancelled);
    CHECK(bench.context.progressed < 8'000'000);
    CHECK(bench.delivered() == std::vector<std::string>{"a"});
}

TEST_CASE("one item's failure does not keep the others from being sent") {
    Bench bench;
    write_file(bench.source("a"), "a");
    write_file(bench.source("b"), "b");
    write_file(bench.source("c"), "c");
    fs::create_directory(bench.target("b"));
    CHECK(bench.put({"a", "b", "c"}, true).ok());
    CHECK(bench.sink.statuses[0].ok());
    CHECK(bench.sink.statuses[1].code() == StatusCode::exists);
    CHECK(bench.sink.statuses[1].scope() == StatusScope::item);
    CHECK(bench.sink.statuses[2].ok());
    CHECK(fs::exists(bench.source("b")));
}

TEST_CASE("any name arrives unchanged") {
    const std::vector<std::string> names{"with space",
                                         "new\nline",
                                         "quote'\"",
                                         "*?[x]",
                                         "-rf",
                                         "\xff\xfe invalid",
                                         std::string(255, 'n'),
                                         std::string(253, '\xe4') + "\xc3\xa4"};
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        for (const std::string& name : names) {
            write_file(bench.source(name), name);
        }
        CHECK(bench.put(names, true).ok());
        for (std::size_t index = 0; index < names.size(); ++index) {
            CHECK(bench.sink.statuses[index].ok());
            CHECK(read_file(bench.target(names[index])) == names[index]);
        }
        CHECK(bench.delivered().size() == names.size());
    }
}

TEST_CASE("a tree is put below a prefix, directories first") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        fs::create_directories(bench.source("d/e"));
        fs::permissions(bench.source("d/e"), static_cast<fs::perms>(0510));
        write_file(bench.source("d/f"), "f");
        write_file(bench.source("d/g"), "g");
        fs::create_directory(bench.target("prefix"));
        bench.prefix = "prefix";
        CHECK(bench.put({"d", "d/e", "d/f", "d/g"}, true).ok());
        for (std::size_t index = 0; index < 4; ++index) {
            CHECK(bench.sink.statuses[index].ok());
        }
        CHECK(read_file(bench.target("prefix/d/f")) == "f");
        CHECK(read_file(bench.target("prefix/d/g")) == "g");
        CHECK((look(bench.target("prefix/d/e")).st_mode & 07777) == 0710);
        CHECK(fs::is_directory(bench.source("d/e")));
    }
}

TEST_CASE("a directory keeps its permission bits, whatever the umask is") {
    Bench bench;
    fs::create_directory(bench.source("d"));
    fs::permissions(bench.source("d"), static_cast<fs::perms>(0777));
    CHECK(bench.put_one("d", true).ok());
    CHECK((look(bench.target("d")).st_mode & 0777) == 0777);
}

TEST_CASE("a target that keeps neither modes nor times takes what is moved, and this is said once") {
    for (const Publish publish : {Publish::rename, Publish::direct}) {
        Bench bench(first_file_system(), other_file_system());
        fs::create_directory(bench.source("d"));
        fs::permissions(bench.source("d"), static_cast<fs::perms>(0777));
        write_marked(bench.source("d/a"), "a");
        write_marked(bench.source("b"), "b");
        const Refusing refusing(EPERM, EOPNOTSUPP);
        CHECK(bench.put({"d", "d/a", "b"}, true, publish).ok());
        for (std::size_t index = 0; index < 3; ++index) {
            CHECK(bench.sink.statuses[index].ok());
        }
        CHECK(read_file(bench.target("d/a")) == "a");
        CHECK(read_file(bench.target("b")) == "b");
        CHECK(bench.context.warnings == 1);
    }
}

TEST_CASE("a refused mode does not lose the time") {
    Bench bench(first_file_system(), other_file_system());
    write_marked(bench.source("a"), "a");
    const Refusing refusing(EPERM, 0);
    CHECK(bench.put_one("a", true).ok());
    CHECK(look(bench.target("a")).st_mtim.tv_sec == 1'000'000'000);
}

TEST_CASE("what else fails with modes and times, or of a file that was there before, is the item's failure") {
    for (const int error : {EACCES, EPERM}) {
        Bench bench(first_file_system(), other_file_system());
        write_file(bench.source("a"), "a");
        if (error == EPERM) {
            write_file(bench.target("a"), "somebody's");
        }
        const Refusing refusing(error, error);
        const Status status = bench.put_one("a", true, Publish::direct);
        CHECK(status.code() == StatusCode::permission);
        CHECK(status.scope() == StatusScope::item);
        CHECK(bench.context.warnings == 0);
    }
}

TEST_CASE("a mirror is told that the target keeps no times before it compares by them") {
    Bench bench;
    bench.mode = TransferMode::mirror;
    write_file(bench.source("a"), "a");
    SUBCASE("where it refuses them") {
        const Refusing refusing(EPERM, EPERM);
        CHECK_FALSE(bench.session().capabilities().has(Capability::set_time));
        CHECK(bench.session().capabilities().has(Capability::list));
        CHECK(bench.put_one("a", false).ok());
        CHECK(bench.delivered() == std::vector<std::string>{"a"});
    }
    SUBCASE("and one that has kept them has to go on so") {
        CHECK(bench.session().capabilities().has(Capability::set_time));
        CHECK(bench.delivered().empty());
        const Refusing refusing(0, EPERM);
        CHECK(bench.put_one("a", false).code() == StatusCode::permission);
        CHECK(bench.delivered().empty());
    }
}

TEST_CASE("a directory that is there already is fine, anything else of its name is not") {
    Bench bench;
    fs::create_directory(bench.source("a"));
    fs::create_directory(bench.target("a"));
    CHECK(bench.put_one("a", true).ok());
    fs::remove(bench.target("a"));
    write_file(bench.target("a"), "a file");
    CHECK(bench.put_one("a", true).code() == StatusCode::exists);
    fs::remove(bench.target("a"));
    fs::create_directory_symlink("/", bench.target("a"));
    CHECK(bench.put_one("a", true).code() == StatusCode::exists);
}

TEST_CASE("a directory that the target lacks fails the item alone") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        fs::create_directory(bench.source("d"));
        write_file(bench.source("d/f"), "f");
        const Status status = bench.put_one("d/f", true);
        CHECK(status.code() == StatusCode::not_found);
        CHECK(status.scope() == StatusScope::item);
        CHECK(bench.delivered().empty());
    }
}

TEST_CASE("symbolic links are carried as links") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        fs::create_symlink("no/such\nplace", bench.source("l"));
        set_mtime(bench.source("l"), 1'000'000'000, 5);
        write_file(bench.target("l"), "old");
        CHECK(bench.put_one("l", true).ok());
        CHECK(fs::read_symlink(bench.target("l")) == "no/such\nplace");
        CHECK(look(bench.target("l")).st_mtim.tv_sec == 1'000'000'000);
        CHECK(bench.delivered() == std::vector<std::string>{"l"});
    }
}

TEST_CASE("a symbolic link in the target leads nothing out of it") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        const ScratchDirectory outside(to);
        write_file(outside.path() / "victim", "untouched");
        fs::create_directory(bench.source("d"));
        write_file(bench.source("d/f"), "f");
        write_file(bench.source("g"), "g");
        fs::create_directory_symlink(outside.path(), bench.target("d"));
        fs::create_symlink(outside.path() / "victim", bench.target("g"));
        CHECK_FALSE(bench.put_one("d/f", true).ok());
        CHECK_FALSE(bench.put_one("g", false, Publish::direct).ok());
        CHECK(bench.put_one("g", true).ok());
        CHECK(fs::is_regular_file(fs::symlink_status(bench.target("g"))));
        CHECK(names_in(outside.path()) == std::vector<std::string>{"victim"});
        CHECK(read_file(outside.path() / "victim") == "untouched");
    }
}

TEST_CASE("a symbolic link in the source leads to nothing outside it") {
    Bench bench;
    const ScratchDirectory outside(first_file_system());
    write_file(outside.path() / "f", "secret");
    fs::create_directory(bench.source("d"));
    write_file(bench.source("d/f"), "secret");
    const PutItem item = item_of(bench.source(), "d/f");
    fs::remove_all(bench.source("d"));
    fs::create_directory_symlink(outside.path(), bench.source("d"));
    fs::create_directory(bench.target("d"));
    CHECK(bench.put_items({item}, true).ok());
    CHECK(bench.sink.statuses[0].code() == StatusCode::source_changed);
    CHECK(fs::exists(outside.path() / "f"));
}

TEST_CASE("what is neither file nor directory nor link is unsupported") {
    Bench bench;
    REQUIRE(::mkfifo(bench.source("pipe").c_str(), 0600) == 0);
    CHECK(bench.put_one("pipe", true).code() == StatusCode::unsupported);
    CHECK(bench.delivered().empty());
}

TEST_CASE("two links to one file: the source that rename leaves behind is not called taken") {
    Bench bench;
    write_file(bench.source("a"), "content");
    fs::create_hard_link(bench.source("a"), bench.target("a"));
    CHECK(bench.put_one("a", true).ok());
    CHECK(fs::exists(bench.source("a")));
    CHECK_FALSE(bench.sink.reports[0].source_taken);
    fs::remove(bench.target("a"));
    fs::create_hard_link(bench.source("a"), bench.source("b"));
    CHECK(bench.put_one("a", true).ok());
    CHECK_FALSE(fs::exists(bench.source("a")));
    CHECK(bench.sink.reports[0].source_taken);
}

TEST_CASE("two links to one file: publish: direct leaves the source that it would write over as it is") {
    Bench bench;
    write_file(bench.source("a"), "content");
    fs::create_hard_link(bench.source("a"), bench.target("a"));
    const Status status = bench.put_one("a", false, Publish::direct);
    CHECK(status.code() == StatusCode::exists);
    CHECK(status.scope() == StatusScope::item);
    CHECK(read_file(bench.source("a")) == "content");
    CHECK(read_file(bench.target("a")) == "content");
}

TEST_CASE("publish: direct leaves a FIFO of the file's name as it is, which is that item's failure alone") {
    for (const bool is_read : {false, true}) {
        CAPTURE(is_read);
        Bench bench;
        write_file(bench.source("a"), "content");
        REQUIRE(::mkfifo(bench.target("a").c_str(), 0600) == 0);
        const FileDescriptor reader(
            is_read ? ::open(bench.target("a").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1);
        REQUIRE(reader.valid() == is_read);
        const Status status = bench.put_one("a", false, Publish::direct);
        CHECK(status.code() == StatusCode::exists);
        CHECK(status.scope() == StatusScope::item);
        CHECK(fs::is_fifo(fs::symlink_status(bench.target("a"))));
    }
}

TEST_CASE("holes stay holes") {
    for (const fs::path& from : {first_file_system(), other_file_system()}) {
        Bench bench(from, other_file_system());
        constexpr std::uintmax_t size = 64ULL << 20U;
        write_file(bench.source("a"), "begin");
        fs::resize_file(bench.source("a"), size);
        std::fstream stream(bench.source("a"), std::ios::in | std::ios::out);
        stream.seekp(32L << 20U);
        stream << "middle";
        stream.close();
        CHECK(bench.put_one("a", false).ok());
        CHECK(fs::file_size(bench.target("a")) == size);
        CHECK(look(bench.target("a")).st_blocks * 512 < 1 << 20);
        CHECK((read_file(bench.target("a")) == read_file(bench.source("a"))));
    }
}

TEST_CASE("with fsync every item is reported once all is on the disk, and after a cancellation too") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        bench.fsync = true;
        fs::create_directory(bench.source("d"));
        write_file(bench.source("d/f"), "f");
        write_file(bench.source("g"), "g");
        write_file(bench.source("h"), "h");
        bench.context.on_progress = [&] { bench.context.is_cancelled = bench.context.progressed == 2; };
        CHECK(bench.put({"d", "d/f", "g", "h"}, true).code() == StatusCode::cancelled);
        CHECK(bench.sink.statuses.size() == 3);
        for (const auto& [index, status] : bench.sink.statuses) {
            CHECK(status.ok());
        }
        CHECK(read_file(bench.target("d/f")) == "f");
        CHECK(read_file(bench.target("g")) == "g");
    }
}

TEST_CASE("a bandwidth limit is asked about every byte that is copied, before it is") {
    Bench bench(first_file_system(), other_file_system());
    bench.bandwidth_limit = 1'000'000;
    write_file(bench.source("a"), pattern_of(3'000'000));
    bench.context.on_progress = [&] { CHECK(bench.context.acquired >= bench.context.progressed); };
    CHECK(bench.put_one("a", true).ok());
    CHECK(bench.context.acquired == 3'000'000);
}

TEST_CASE("owner and group are kept by root, and nobody else lends an identity") {
    Bench bench(first_file_system(), other_file_system());
    write_file(bench.source("a"), "a");
    if (::geteuid() == 0) {
        REQUIRE(::chown(bench.source("a").c_str(), 1234, 5678) == 0);
    }
    fs::permissions(bench.source("a"), static_cast<fs::perms>(06755));
    CHECK(bench.put_one("a", true).ok());
    const struct stat copy = look(bench.target("a"));
    if (::geteuid() == 0) {
        CHECK(copy.st_uid == 1234);
        CHECK(copy.st_gid == 5678);
        CHECK((copy.st_mode & 07777) == 06755);
    } else {
        CHECK((copy.st_mode & 07777) == 0755);
    }
}

TEST_CASE("several sessions put at the same time") {
    Bench bench(first_file_system(), other_file_system());
    constexpr int sessions = 4;
    constexpr int files = 200;
    for (int session = 0; session < sessions; ++session) {
        fs::create_directory(bench.source(std::to_string(session)));
        for (int file = 0; file < files; ++file) {
            const std::string name = std::to_string(session) + '-' + std::to_string(file);
            write_file(bench.source(std::to_string(session) + '/' + name), name);
        }
    }
    const std::string target_dir = bench.target().string();
    std::string_view value = "false";
    const OptionValue option{"fsync", {&value, 1}};
    ModuleSettings settings;
    settings.target_dir = target_dir;
    settings.temp_dir = temp_name;
    settings.options = {&option, 1};
    const LocalOptions options(settings);
    std::array<Status, sessions> ends;
    std::vector<std::thread> threads;
    threads.reserve(sessions);
    for (int number = 0; number < sessions; ++number) {
        threads.emplace_back([&, number] {
            FakeContext context;
            LocalSession session(options, context);
            const std::string root = bench.source(std::to_string(number)).string();
            const std::vector<std::string> names = names_in(root);
            std::vector<PutItem> items;
            items.reserve(names.size());
            for (const std::string& name : names) {
                items.push_back(item_of(root, name));
            }
            PutRequest request;
            request.source_root = root;
            request.items = items;
            Reports reports;
            ends.at(static_cast<std::size_t>(number)) = session.put(request, reports);
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(std::all_of(ends.begin(), ends.end(), [](const Status& status) { return status.ok(); }));
    const std::vector<std::string> names = bench.delivered();
    CHECK(names.size() == sessions * files);
    for (const std::string& name : names) {
        CHECK(read_file(bench.target(name)) == name);
    }
}

TEST_CASE(
    "a target that may not be written is the session's failure, a source that may not be read the item's") {
    for (const fs::path& to : {first_file_system(), other_file_system()}) {
        Bench bench(first_file_system(), to);
        write_file(bench.source("a"), "a");
        fs::create_directory(bench.source("d"));
        for (const fs::path& path : {bench.source(), bench.source("a"), bench.source("d"), bench.target()}) {
            give_to_ordinary(path);
        }
        fs::permissions(bench.target(), static_cast<fs::perms>(0500));
        for (const char* unit : {"a", "d"}) {
            in_child([&] {
                if (!become_ordinary()) {
                    return false;
                }
                const Status status = bench.put_one(unit, true);
                return status.code() == StatusCode::permission && status.scope() == StatusScope::session;
            });
        }
        fs::permissions(bench.target(), static_cast<fs::perms>(0700));
        fs::permissions(bench.source("a"), static_cast<fs::perms>(0));
        in_child([&] {
            if (!become_ordinary()) {
                return false;
            }
            const Status status = bench.put_one("a", false);
            return status.code() == StatusCode::permission && status.scope() == StatusScope::item;
        });
        CHECK(fs::exists(bench.source("a")));
    }
}

}  // namespace mistamover::local::test
