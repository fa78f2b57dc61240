// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_session.hpp"

#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "quiet_context.hpp"
#include "rsync_fixture.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"

namespace mistamover::rsync::test {
namespace {

using mistamover::test::QuietContext;
using mistamover::test::read_file;
using mistamover::test::Rsyncd;
using mistamover::test::Scratch;
using mistamover::test::Sshd;
using mistamover::test::write_file;

constexpr std::array transports{"local", "daemon", "ssh"};

/// `refusing`: like one that reaches a receiver such as Debian 12's 3.2.7-1+deb12u6, it ends with that one's
/// complaint, after many of its own, where it is told to delete what is missing.
/// `vanishing`: it says after a mirror that a source has vanished. `denying`: like one whose target denies
/// access to whatever is put there; `denying_f`: to the file f alone.
enum class Rsync : unsigned char { as_it_is, refusing, vanishing, denying, denying_f };
constexpr std::array rsyncs{Rsync::as_it_is, Rsync::refusing};

// A session with a target directory of this machine, by a real rsync.
class Target {
  public:
    explicit Target(const std::string& transport, Rsync rsync = Rsync::as_it_is,
                    const std::vector<std::string>& extra_args = {}) {
        settings_.set("transport", transport);
        settings_.add("extra_args", extra_args);
        if (rsync != Rsync::as_it_is) {
            settings_.set("cmd", write_rsync(rsync));
        }
        if (transport == "daemon") {
            rsyncd_.emplace(targets_.path());
            settings_.set("port", std::to_string(rsyncd_->port()));
            target_dir_ = "data/t";
        } else if (transport == "ssh") {
            sshd_.emplace();
            settings_.set("port", std::to_string(sshd_->port()));
            settings_.set("username", sshd_->user());
            settings_.set("ssh_key", sshd_->client_key().string());
            settings_.set("known_hosts", sshd_->known_hosts().string());
        }
        settings_.values.target_host = "127.0.0.1";
        settings_.values.target_dir = target_dir_;
        settings_.values.work_dir = work_dir_;
        std::filesystem::create_directory(directory());
        shared_ = std::make_unique<Shared>(settings_.get());
        session_ = std::make_unique<RsyncSession>(*shared_, context_);
    }
    [[nodiscard]] const std::filesystem::path& source() const { return source_.path(); }
    [[nodiscard]] std::filesystem::path directory() const { return targets_ / "t"; }
    [[nodiscard]] std::filesystem::path temp_dir() const { return directory() / ".mistamover-0"; }
    [[nodiscard]] Status put(std::string_view name) const {
        write_file(source_.path() / name, "content");
        const std::array names{name};
        const std::vector<PutItem> items = items_in(source_.path(), names);
        PutRequest request;
        request.source_root = source_.path().native();
        request.items = items;
        PutEnds sink;
        const Status status = session_->call_put(request, sink);
        return status.ok() ? sink.ends[0] : status;
    }
    /// `max_remove`: nothing is removed without it.
    [[nodiscard]] Status mirror(std::optional<std::uint64_t> max_remove = std::nullopt) const {
        class NoEnds final : public MirrorSink {
            void sent(std::string_view /*path*/, std::uint64_t /*bytes*/) noexcept override {}
            void removed(std::string_view /*path*/) noexcept override {}
            void failed(std::string_view /*path*/, const Status& /*status*/) noexcept override {}
        } sink;
        MirrorRequest request;
        request.source_root = source_.path().native();
        request.remove_vanished = max_remove.has_value();
        request.max_remove = max_remove.value_or(0);
        return session_->call_mirror(request, sink);
    }
    [[nodiscard]] Status make_directory(std::string_view path) const {
        return session_->call_make_directory(path);
    }
    /// How the remove of each path ended; under the empty path, how that of all did where it was not ok.
    [[nodiscard]] std::map<std::string, Status> remove(const std::vector<std::string>& paths) const {
        class Ends final : public RemoveSink {
          public:
            explicit Ends(const std::vector<std::string>& paths) : paths_(paths) {}
            void done(std::size_t index, const Status& status) noexcept override {
                ends[paths_[index]] = status;
            }
            std::map<std::string, Status> ends;

          private:
            const std::vector<std::string>& paths_;
        } sink(paths);
        const std::vector<std::string_view> views(paths.begin(), paths.end());
        if (const Status status = session_->call_remove(views, sink); !status.ok()) {
            sink.ends[""] = status;
        }
        return sink.ends;
    }
    /// How often an rsync refused to delete what is missing.
    [[nodiscard]] std::ptrdiff_t refusals() const {
        const std::string lines = read_file(scratch_ / "refusals");
        return std::count(lines.begin(), lines.end(), '\n');
    }
    /// All that is in the target directory.
    [[nodiscard]] std::set<std::string> entries() const {
        std::set<std::string> entries;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(directory())) {
            entries.insert(entry.path().lexically_relative(directory()).string());
        }
        return entries;
    }

  private:
    // The case of the shell, by its arguments, in which it is not as the real one.
    [[nodiscard]] std::string oddity(Rsync rsync) const {
        const std::string denial =
            R"(
    echo 'rsync: [receiver] mkstemp "/t/.mistamover-0/f.aB3dE6" failed: Permission denied (13)' >&2
    exit 23;;)";
        switch (rsync) {
            case Rsync::as_it_is:
                break;
            case Rsync::refusing:
                return R"(*' --delete-missing-args '*)
    echo >> ')" + scratch_.path().string() +
                       R"(/refusals'
    yes "file has vanished: \")" +
                       scratch_.path().string() + R"(/rsync-empty/directory\"" | head -n 5000 >&2
    echo 'invalid file mode 00 for f [Receiver]' >&2
    echo 'rsync error: protocol incompatibility (code 2) at flist.c(874) [Receiver=3.2.7]' >&2
    exit 2;;)";
            case Rsync::vanishing:
                return R"(*' --recursive '*)
    rsync "$@"
    echo 'file has vanished: "/s/gone"' >&2
    echo 'rsync warning: some files vanished before they could be transferred (code 24) at main.c(1338)' >&2
    exit 24;;)";
            case Rsync::denying:
                return "*' --ignore-times '*)" + denial;
            case Rsync::denying_f:
                return "*' --ignore-times '*'/./f '*)" + denial;
        }
        return {};
    }
    [[nodiscard]] std::string write_rsync(Rsync rsync) const {
        std::string path = (scratch_ / "odd-rsync").string();
        write_file(path, "#!/bin/sh\ncase \" $* \" in\n" + oddity(rsync) + "\nesac\nexec rsync \"$@\"\n");
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path;
    }

    Scratch scratch_;
    Scratch source_;
    Scratch targets_;
    std::string target_dir_ = directory().string();
    std::string work_dir_ = scratch_.path().string();
    std::optional<Rsyncd> rsyncd_;
    std::optional<Sshd> sshd_;
    Settings settings_;
    QuietContext context_;
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<RsyncSession> session_;
};

template <typename Check>
void for_each_way(const Check& check) {
    for (const Rsync rsync : rsyncs) {
        for (const char* transport : transports) {
            INFO(transport, rsync == Rsync::refusing ? ", by rules" : "");
            check(transport, rsync);
        }
    }
}

void check_is_tried_again(const Status& status) {
    INFO(status.text());
    CHECK(status.code() == StatusCode::unreachable);
    CHECK(status.scope() == StatusScope::session);
}

void check_is_removed(const std::map<std::string, Status>& ends, const std::string& path) {
    INFO(path);
    const auto end = ends.find(path);
    REQUIRE(end != ends.end());
    CHECK_MESSAGE(end->second.ok(), end->second.text());
}

void check_is_refused(const std::map<std::string, Status>& ends, const std::string& path, StatusCode code) {
    INFO(path);
    const auto end = ends.find(path);
    REQUIRE(end != ends.end());
    CHECK(to_string(end->second.code()) == to_string(code));
    CHECK(end->second.scope() == StatusScope::item);
}

}  // namespace

TEST_CASE("a target directory that has gone is made by nothing that writes into it") {
    for_each_way([](const char* transport, Rsync rsync) {
        const Target target(transport, rsync);
        REQUIRE(target.put("f").ok());
        REQUIRE(read_file(target.directory() / "f") == "content");
        std::filesystem::remove_all(target.directory());
        const Status not_removed = target.remove({"d/f"})[""];
        check_is_tried_again(not_removed);
        CHECK(not_removed.text().find("vanished") == std::string::npos);
        CHECK_FALSE(std::filesystem::exists(target.directory()));
        check_is_tried_again(target.put("g"));
        CHECK_FALSE(std::filesystem::exists(target.directory()));

        std::filesystem::create_directory(target.directory());
        REQUIRE(target.mirror().ok());
        REQUIRE(read_file(target.directory() / "g") == "content");
        std::filesystem::remove_all(target.directory());
        check_is_tried_again(target.mirror());
        CHECK_FALSE(std::filesystem::exists(target.directory()));
    });
}

TEST_CASE("a put and a mirror whose directory of temporary files has gone are tried again") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target target(transport);
        REQUIRE(target.put("f").ok());
        std::filesystem::remove_all(target.temp_dir());
        check_is_tried_again(target.put("f"));
        REQUIRE(target.mirror().ok());
        std::filesystem::remove_all(target.temp_dir());
        check_is_tried_again(target.mirror());
        CHECK(target.mirror().ok());
    }
}

TEST_CASE("a directory of temporary files that has gone is made again where a tree is to go into it") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target target(transport);
        REQUIRE(target.put("f").ok());
        std::filesystem::remove_all(target.temp_dir());
        CHECK(target.make_directory(".mistamover-0").code() == StatusCode::exists);
        CHECK(target.make_directory(".mistamover-0/tree").code() == StatusCode::not_found);
        CHECK(target.make_directory(".mistamover-0").ok());
        CHECK(target.make_directory(".mistamover-0/tree").ok());
        CHECK(std::filesystem::is_directory(target.temp_dir() / "tree"));
    }
}

TEST_CASE(
    "a target directory that takes nothing is the session's failure, a file that it refuses is its own") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target closed(transport, Rsync::denying);
        const Status of_target = closed.put("f");
        CHECK(of_target.code() == StatusCode::permission);
        CHECK(of_target.scope() == StatusScope::session);
        CHECK(closed.entries() == std::set<std::string>{".mistamover-0"});

        const Target open(transport, Rsync::denying_f);
        const Status of_file = open.put("f");
        CHECK(of_file.code() == StatusCode::permission);
        CHECK(of_file.scope() == StatusScope::item);
        CHECK(open.entries() == std::set<std::string>{".mistamover-0"});
        CHECK(open.put("g").ok());
    }
}

TEST_CASE("a mirror sends and removes at the top and in directories, no more than it may, and no dot-name") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target target(transport);
        for (const char* name : {"f", "d/g", "d/e/h", "was a directory", "was a file/a"}) {
            write_file(target.source() / name, name);
        }
        std::filesystem::create_directory(target.source() / "empty");
        for (const char* name : {"gone", "d/gone", "gone too/x", "was a file", ".f.aB3dE6", "d/.g.aB3dE6"}) {
            write_file(target.directory() / name, "x");
        }
        const Status refused = target.mirror(4);
        CHECK(refused.code() == StatusCode::configuration);
        CHECK(std::filesystem::exists(target.directory() / "gone"));
        CHECK(std::filesystem::exists(target.directory() / "gone too/x"));
        CHECK(read_file(target.directory() / "d/e/h") == "d/e/h");

        std::filesystem::remove(target.directory() / "was a directory");
        write_file(target.directory() / "was a directory/x", "x");
        const Status status = target.mirror(6);
        CHECK_MESSAGE(status.ok(), status.text());
        CHECK(target.entries() == std::set<std::string>{".f.aB3dE6", ".mistamover-0", "f", "d", "d/g", "d/e",
                                                        "d/e/h", "empty", "was a directory", "was a file",
                                                        "was a file/a"});
        CHECK(read_file(target.directory() / "was a directory") == "was a directory");
    }
}

TEST_CASE("a source that vanishes from under a mirror is not settled, and nothing that the target refuses") {
    const Target target("local", Rsync::vanishing);
    write_file(target.source() / "f", "x");
    const Status status = target.mirror();
    CHECK(status.code() == StatusCode::source_changed);
    CHECK(status.scope() == StatusScope::item);
    CHECK(status.text().find("refused") == std::string_view::npos);
    CHECK(read_file(target.directory() / "f") == "x");
}

TEST_CASE("exactly the entries that are named are removed, whatever bytes are in their names") {
    const std::vector<std::string> removed{
        "f",   "*?[`",   "a*b",       "[a-z]",  "**",       "***",    "\\*",   "back\\slash", "back\\*slash",
        "a\\", "\\#012", "new\nline", "\n",     "\t",       " a  b ", "-dash", "#h",          ";s",
        "!",   "R x",    "- x",       "q'\"$x", "\xff\xfe", "\x80*",  ".dot"};
    const std::vector<std::string> staying{
        "axb",          "aab", "*?[`x",  "b",          "x*?[`", "newline", "f2",
        "backslash",    "a",   "-dash2", "\\\\*",      "*",     "\xff",    "\xff\xfe\xfe",
        "back\\xslash", "d/f", "d/a*b",  "d/new\nline"};
    for_each_way([&](const char* transport, Rsync rsync) {
        const Target target(transport, rsync);
        for (const auto& names : {removed, staying}) {
            for (const std::string& name : names) {
                write_file(target.directory() / name, "x");
            }
        }
        std::filesystem::create_symlink("b", target.directory() / "link");
        std::filesystem::create_symlink("d", target.directory() / "link*to a directory");
        std::filesystem::create_symlink("nowhere", target.directory() / "dangling");
        std::filesystem::create_directory(target.directory() / "empty");
        std::filesystem::create_directory(target.directory() / "emp?y");
        std::vector<std::string> names = removed;
        names.insert(names.end(), {"link", "link*to a directory", "dangling", "emp?y", "not there", "f"});
        const auto ends = target.remove(names);
        for (const std::string& name : names) {
            check_is_removed(ends, name);
        }
        std::set<std::string> left(staying.begin(), staying.end());
        left.insert({"d", "empty"});
        CHECK(target.entries() == left);
    });
}

TEST_CASE("directories are removed with what is named in them, and stay with anything else") {
    for_each_way([](const char* transport, Rsync rsync) {
        const Target target(transport, rsync);
        for (const char* file :
             {"t*/a/b\n/x", "t*/a/y", "t*/-c/z", "full/x", "full/deep/stays", "deep/f/x", "tt/a/y"}) {
            write_file(target.directory() / file, "x");
        }
        const auto ends = target.remove({"t*", "t*/a", "full", "t*/a/b\n", "t*/-c/z", "t*/a/b\n/x", "t*/-c",
                                         "t*/a/y", "full/x", "deep/f/x", "full/deep", "no/such/directory"});
        for (const char* path :
             {"t*", "t*/a", "t*/a/b\n", "t*/-c/z", "full/x", "deep/f/x", "no/such/directory"}) {
            check_is_removed(ends, path);
        }
        check_is_refused(ends, "full", StatusCode::exists);
        check_is_refused(ends, "full/deep", StatusCode::exists);
        CHECK(target.entries() == std::set<std::string>{"full", "full/deep", "full/deep/stays", "deep",
                                                        "deep/f", "tt", "tt/a", "tt/a/y"});
    });
}

TEST_CASE("a receiver that refuses to delete what is missing is not asked again") {
    const Target target("local", Rsync::refusing);
    for (const char* name : {"a", "b"}) {
        write_file(target.directory() / name, "x");
        check_is_removed(target.remove({name}), name);
    }
    CHECK(target.entries().empty());
    CHECK(target.refusals() == 1);
}

TEST_CASE("by rules, too, much is removed at once") {
    const Target target("local", Rsync::refusing);
    std::vector<std::string> names;
    for (unsigned i = 0; i < 4'500; ++i) {
        names.push_back("d/" + std::to_string(i));
        write_file(target.directory() / names.back(), "");
    }
    write_file(target.directory() / "d/stays", "");
    const auto ends = target.remove(names);
    CHECK(std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        const auto end = ends.find(name);
        return end != ends.end() && end->second.ok();
    }));
    CHECK(target.entries() == std::set<std::string>{"d", "d/stays"});
}

TEST_CASE(
    "by rules, nothing is removed through a link, outside of the target, or where a file is no directory") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target target(transport, Rsync::refusing);
        write_file(target.directory() / "real/x", "x");
        write_file(target.directory() / "file", "x");
        write_file(target.directory() / "../outside", "x");
        std::filesystem::create_symlink("real", target.directory() / "link");
        const auto ends = target.remove(
            {"link/x", "file/x", "../outside", "real/../file", "real//x", "real/", "./real/x", ""});
        for (const char* path : {"link/x", "file/x"}) {
            check_is_refused(ends, path, StatusCode::permission);
        }
        for (const char* path : {"../outside", "real/../file", "real//x", "real/", "./real/x", ""}) {
            check_is_refused(ends, path, StatusCode::unsupported);
        }
        CHECK(target.entries() == std::set<std::string>{"real", "real/x", "file", "link"});
        CHECK(std::filesystem::exists(target.directory() / "../outside"));
    }
}

TEST_CASE("by rules, too, a remove leaves the rights of the directories as they are") {
    for (const char* transport : transports) {
        CAPTURE(transport);
        const Target target(transport, Rsync::refusing, {"-o", "-g", "-A", "--chmod=D777"});
        write_file(target.directory() / "d/x", "x");
        constexpr auto rights = static_cast<std::filesystem::perms>(0751);
        for (const auto& directory : {target.directory(), target.directory() / "d"}) {
            std::filesystem::permissions(directory, rights);
        }
        check_is_removed(target.remove({"d/x"}), "d/x");
        CHECK(target.entries() == std::set<std::string>{"d"});
        for (const auto& directory : {target.directory(), target.directory() / "d"}) {
            CHECK(std::filesystem::status(directory).permissions() == rights);
        }
    }
}

}  // namespace mistamover::rsync::test
