// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <sched.h>
#include <sys/mount.h>

#include "local_fixture.hpp"
#include "no_digests.hpp"

namespace mistamover::local::test {
namespace {

struct Entries final : StatSink {
    void entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept override {
        statuses[index] = status;
        infos[index] = info;
    }
    std::map<std::size_t, Status> statuses;
    std::map<std::size_t, EntryInfo> infos;
};

struct Listing final : ListSink {
    void entry(std::string_view name, const EntryInfo& info) noexcept override { infos.emplace(name, info); }
    std::map<std::string, EntryInfo, std::less<>> infos;
};

struct Removals final : RemoveSink {
    void done(std::size_t index, const Status& status) noexcept override { statuses[index] = status; }
    std::map<std::size_t, Status> statuses;
};

struct Bytes final : BytesSink {
    void bytes(std::string_view data) noexcept override { content += data; }
    std::string content;
};

template <std::size_t Count>
Removals remove(Bench& bench, const std::array<std::string_view, Count>& paths) {
    Removals removals;
    CHECK(bench.session().remove(paths, removals).ok());
    return removals;
}

/// Puts this process, a child of the test, into a mount namespace of its own and mounts a small tmpfs.
bool mount_small_tmpfs(const fs::path& at) {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (user == 0) {
        if (::unshare(CLONE_NEWNS) != 0) {
            std::cerr << "root without the right to make mount namespaces (CAP_SYS_ADMIN)\n";
            return false;
        }
    } else {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
            std::cerr
                << "needs user namespaces: sysctl kernel.unprivileged_userns_clone=1, or run it as root\n";
            return false;
        }
        write_file("/proc/self/setgroups", "deny");
        write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
        write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=1m") == 0;
}

bool full_disk_scenario(Bench& bench, Publish publish) {
    if (!mount_small_tmpfs(bench.target())) {
        return false;
    }
    const Status whole = bench.put({"small", "large", "last"}, true, publish);
    Reports& sink = bench.sink;
    const bool refused = whole.code() == StatusCode::no_space && whole.scope() == StatusScope::session &&
                         sink.statuses.size() == 2 && sink.statuses[0].ok() &&
                         sink.statuses[1].code() == StatusCode::no_space &&
                         bench.delivered() == std::vector<std::string>{"small"};
    fs::resize_file(bench.source("large"), 1000);
    const bool goes_on = bench.put_one("large", true, publish).ok();
    return refused && goes_on && fs::exists(bench.source("last"));
}

}  // namespace

TEST_CASE("a target directory that is not there, and comes and goes, is the session's failure") {
    Bench bench;
    const std::string gone = bench.target("gone").string();
    ModuleSettings settings;
    std::string_view value = "false";
    const OptionValue option{"fsync", {&value, 1}};
    settings.target_dir = gone;
    settings.temp_dir = temp_name;
    settings.options = {&option, 1};
    const LocalOptions options(settings);
    const auto open_failure = [&] {
        try {
            const LocalSession session(options, bench.context);
        } catch (const StatusError& error) {
            return error.status();
        }
        return Status{};
    };
    const Status missing = open_failure();
    CHECK(missing.code() == StatusCode::not_found);
    CHECK(missing.scope() == StatusScope::session);
    CHECK(missing.text() == "target directory " + gone + " does not exist: create it or mount its disk");
    write_file(gone, "a file");
    CHECK(open_failure().scope() == StatusScope::session);
    fs::remove(gone);
    fs::create_directory(gone);
    CHECK(open_failure().ok());

    LocalSession session(options, bench.context);
    std::uint64_t bytes = 0;
    CHECK(session.free_space(bytes).ok());
    fs::rename(gone, bench.target("unmounted"));
    const Status after = session.call_free_space(bytes);
    CHECK(after.code() == StatusCode::not_found);
    CHECK(after.scope() == StatusScope::session);
    fs::create_directory(gone);
    const Status replaced = session.call_free_space(bytes);
    CHECK(replaced.code() == StatusCode::unreachable);
    CHECK(replaced.scope() == StatusScope::session);
}

TEST_CASE("target_dir must be an absolute path") {
    std::string_view value = "true";
    const OptionValue option{"fsync", {&value, 1}};
    ModuleSettings settings;
    settings.options = {&option, 1};
    for (const std::string_view path : {"", "relative/dir", "./x"}) {
        settings.target_dir = path;
        try {
            const LocalOptions options(settings);
            FAIL("accepted");
        } catch (const StatusError& error) {
            CHECK(error.status().code() == StatusCode::configuration);
            CHECK(error.status().scope() == StatusScope::stream);
        }
    }
    settings.target_dir = "/x";
    CHECK(LocalOptions(settings).fsync);
}

TEST_CASE(
    "a full disk is no space, of session scope, with nothing partial left, and it goes on when there is "
    "room") {
    for (const Publish publish : {Publish::rename, Publish::direct}) {
        Bench bench;
        write_file(bench.source("small"), "small");
        write_file(bench.source("large"), pattern_of(3'000'000));
        write_file(bench.source("last"), "last");
        in_child([&] { return full_disk_scenario(bench, publish); });
    }
}

TEST_CASE("the temporary directory is made again when it has vanished") {
    Bench bench;
    write_file(bench.source("a"), "a");
    CHECK(bench.put_one("a", false).ok());
    CHECK((look(bench.target(temp_name)).st_mode & 07777) == 0700);
    fs::remove_all(bench.target(temp_name));
    write_file(bench.source("b"), "b");
    CHECK(bench.put_one("b", false).ok());
    CHECK(read_file(bench.target("b")) == "b");
    fs::remove_all(bench.target(temp_name));
    fs::create_symlink("content", bench.source("l"));
    CHECK(bench.put_one("l", false).ok());
    bench.end_session();
    CHECK(names_in(bench.target(temp_name)).empty());
}

TEST_CASE("a temporary directory that is a link to elsewhere is not used") {
    Bench bench;
    const ScratchDirectory outside(first_file_system());
    fs::create_directory_symlink(outside.path(), bench.target(temp_name));
    write_file(bench.source("a"), "a");
    CHECK(bench.put_one("a", false).scope() == StatusScope::session);
    CHECK(names_in(outside.path()).empty());
}

TEST_CASE("stat answers for each name, following nothing") {
    Bench bench;
    write_file(bench.target("file"), "12345");
    fs::permissions(bench.target("file"), static_cast<fs::perms>(0604));
    fs::create_directory(bench.target("dir"));
    fs::create_symlink("/etc/passwd", bench.target("link"));
    fs::create_directory_symlink("/etc", bench.target("way_out"));
    const std::array<std::string_view, 6> paths{"file",           "dir",    "link", "missing",
                                                "way_out/passwd", "../file"};
    Entries entries;
    CHECK(bench.session().stat(paths, entries).ok());
    CHECK(entries.infos[0].size == 5);
    CHECK(entries.infos[0].mode == 0604);
    CHECK(entries.infos[0].kind == EntryKind::file);
    CHECK(entries.infos[0].mtime_precision_ns == 1);
    const timespec time = look(bench.target("file")).st_mtim;
    CHECK(entries.infos[0].mtime_ns == time.tv_sec * 1'000'000'000 + time.tv_nsec);
    CHECK(entries.infos[1].kind == EntryKind::directory);
    CHECK(entries.infos[2].kind == EntryKind::symlink);
    CHECK(entries.statuses[3].code() == StatusCode::not_found);
    CHECK(entries.statuses[4].code() == StatusCode::not_found);
    CHECK_FALSE(entries.statuses[5].ok());
    CHECK(entries.statuses[5].code() != StatusCode::not_found);
}

TEST_CASE("get_small reads a whole file up to the limit and nothing but files") {
    Bench bench;
    write_file(bench.target("file"), "12345");
    fs::create_symlink("file", bench.target("link"));
    REQUIRE(::mkfifo(bench.target("pipe").c_str(), 0600) == 0);
    Bytes bytes;
    CHECK(bench.session().get_small("file", 5, bytes).ok());
    CHECK(bytes.content == "12345");
    CHECK(bench.session().call_get_small("file", 4, bytes).code() == StatusCode::unsupported);
    CHECK(bench.session().call_get_small("missing", 5, bytes).code() == StatusCode::not_found);
    CHECK_FALSE(bench.session().call_get_small("link", 5, bytes).ok());
    CHECK(bench.session().call_get_small("pipe", 5, bytes).code() == StatusCode::unsupported);
    CHECK(bytes.content == "12345");
}

TEST_CASE("get_many answers for each file, whatever has become of the others") {
    struct Got final : GetSink {
        std::map<std::size_t, std::pair<StatusCode, std::string>> all;
        void got(std::size_t index, const Status& status, std::string_view data) noexcept override {
            all[index] = {status.code(), std::string(data)};
        }
    };
    Bench bench;
    write_file(bench.target("a"), "1");
    write_file(bench.target("empty"), "");
    write_file(bench.target("long"), "123456");
    const std::vector<std::string_view> names{"missing", "a", "long", "empty"};
    Got got;
    CHECK(bench.session().call_get_many(names, 5, got).ok());
    CHECK(got.all ==
          std::map<std::size_t, std::pair<StatusCode, std::string>>{{0, {StatusCode::not_found, ""}},
                                                                    {1, {StatusCode::ok, "1"}},
                                                                    {2, {StatusCode::unsupported, ""}},
                                                                    {3, {StatusCode::ok, ""}}});
}

TEST_CASE("list tells every name with its kind, dot-files too") {
    Bench bench;
    fs::create_directories(bench.target("dir/.sub"));
    write_file(bench.target("dir/new\nline"), "123");
    fs::create_symlink("nowhere", bench.target("dir/link"));
    Listing listing;
    CHECK(bench.session().list("dir", listing).ok());
    CHECK(listing.infos.size() == 3);
    CHECK(listing.infos[".sub"].kind == EntryKind::directory);
    CHECK(listing.infos["new\nline"].size == 3);
    CHECK(listing.infos["link"].kind == EntryKind::symlink);
    Listing root;
    CHECK(bench.session().list("", root).ok());
    CHECK(root.infos.size() == 1);
    CHECK(bench.session().list("missing", root).code() == StatusCode::not_found);
    CHECK_FALSE(bench.session().list("dir/link", root).ok());
}

TEST_CASE("remove takes files, links and empty directories, and what is not there is removed") {
    Bench bench;
    const ScratchDirectory outside(first_file_system());
    write_file(outside.path() / "f", "f");
    write_file(bench.target("file"), "1");
    fs::create_directories(bench.target("full/empty"));
    write_file(bench.target("full/f"), "f");
    fs::create_directory_symlink(outside.path(), bench.target("link"));
    const std::array<std::string_view, 7> paths{"file",    "full/empty", "full", "missing",
                                                "no/such", "link/f",     "link"};
    Removals removals = remove(bench, paths);
    CHECK(removals.statuses.size() == paths.size());
    CHECK(removals.statuses[0].ok());
    CHECK(removals.statuses[1].ok());
    CHECK(removals.statuses[2].code() == StatusCode::exists);
    CHECK(removals.statuses[2].scope() == StatusScope::item);
    for (const std::size_t index : {3UL, 4UL, 5UL, 6UL}) {
        CHECK(removals.statuses[index].ok());
    }
    CHECK(names_in(bench.target()) == std::vector<std::string>{"full"});
    CHECK(fs::exists(outside.path() / "f"));
}

TEST_CASE("rename replaces files and empty directories, never a directory with something in it") {
    for (const bool fsync : {false, true}) {
        Bench bench;
        bench.fsync = fsync;
        fs::create_directories(bench.target(".t/new/sub"));
        fs::create_directories(bench.target("old/content"));
        write_file(bench.target("f"), "f");
        write_file(bench.target("g"), "g");
        LocalSession& session = bench.session();
        CHECK(session.rename(".t/new", "old").code() == StatusCode::exists);
        CHECK(session.rename(".t/new", "f").code() == StatusCode::exists);
        CHECK(session.rename("f", "old").code() == StatusCode::exists);
        CHECK(session.rename("missing", "x").code() == StatusCode::not_found);
        CHECK(session.rename("f", "no/such").code() == StatusCode::not_found);
        CHECK(fs::exists(bench.target("old/content")));
        CHECK(session.rename("f", "g").ok());
        CHECK(read_file(bench.target("g")) == "f");
        CHECK(session.rename(".t/new", "tree").ok());
        CHECK(fs::is_directory(bench.target("tree/sub")));
        CHECK(session.rename("tree/sub", "old/content").ok());
    }
}

TEST_CASE("a rename into a directory that takes no entry is the session's failure, from one the item's") {
    Bench bench;
    fs::create_directories(bench.target("t/new"));
    for (const char* path : {"", "t", "t/new"}) {
        give_to_ordinary(bench.target(path));
    }
    const auto rename_as_ordinary = [&](const char* from, const char* to, StatusScope scope) {
        in_child([&] {
            if (!become_ordinary()) {
                return false;
            }
            const Status status = bench.session().rename(from, to);
            return status.code() == StatusCode::permission && status.scope() == scope;
        });
    };
    fs::permissions(bench.target(), static_cast<fs::perms>(0500));
    rename_as_ordinary("t/new", "new", StatusScope::session);
    fs::permissions(bench.target(), static_cast<fs::perms>(0700));
    fs::permissions(bench.target("t"), static_cast<fs::perms>(0500));
    rename_as_ordinary("t/new", "new", StatusScope::item);
    fs::permissions(bench.target("t"), static_cast<fs::perms>(0700));
    CHECK(fs::exists(bench.target("t/new")));
}

TEST_CASE("make_directory makes one, once") {
    Bench bench;
    CHECK(bench.session().make_directory("d").ok());
    CHECK(bench.session().make_directory("d/e").ok());
    CHECK(bench.session().make_directory("d").code() == StatusCode::exists);
    CHECK(bench.session().make_directory("x/y").code() == StatusCode::not_found);
    CHECK_FALSE(bench.session().make_directory("../outside").ok());
    CHECK(fs::is_directory(bench.target("d/e")));
}

TEST_CASE("checksums are those of the file at the target") {
    Bench bench;
    write_file(bench.target("f"), "abc");
    const std::array<std::pair<std::string_view, std::string_view>, 3> known{
        std::pair{"md5", "900150983cd24fb0d6963f7d28e17f72"},
        std::pair{"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        std::pair{"blake2b512",
                  "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                  "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"}};
    for (const auto& [algorithm, digest] : known) {
        Bytes bytes;
        CHECK(bench.session().checksum("f", algorithm, bytes).ok());
        CHECK(bytes.content == digest);
    }
    Bytes none;
    try {
        const mistamover::test::NoDigests refused;
        (void)bench.session().checksum("f", "md5", none);
        FAIL("computed");
    } catch (const StatusError& error) {
        CHECK(error.status().scope() == StatusScope::stream);
    }
    CHECK(bench.session().checksum("f", "crc32", none).code() == StatusCode::unsupported);
    CHECK(bench.session().call_checksum("missing", "md5", none).code() == StatusCode::not_found);
    bench.context.is_cancelled = true;
    CHECK(bench.session().checksum("f", "md5", none).code() == StatusCode::cancelled);
    CHECK(none.content.empty());
}

TEST_CASE("free_space is what an ordinary user may still write") {
    Bench bench;
    std::uint64_t bytes = 0;
    CHECK(bench.session().free_space(bytes).ok());
    const fs::space_info space = fs::space(bench.target());
    CHECK(bytes > 0);
    CHECK(bytes <= space.free);
}

TEST_CASE("it says what it can do, and a native mirror is not among it") {
    Bench bench;
    const Capabilities found = bench.session().capabilities();
    CHECK(found.has(Capability::take_source));
    CHECK(found.has(Capability::publish_rename));
    CHECK_FALSE(found.has(Capability::mirror));
    CHECK_FALSE(found.has(Capability::resume));
}

}  // namespace mistamover::local::test
