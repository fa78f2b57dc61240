// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "module_settings.hpp"
#include "put_item.hpp"
#include "scratch.hpp"
#include "sftp/batch_put.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::chrono_literals;
using test::AnsweringChannel;
using test::DiskLog;

constexpr std::size_t resumable_size = 9UL << 20U;

struct PutReports final : PutSink {
    void done(std::size_t index, const Status& status, const PutReport& /*report*/) noexcept override {
        last = status;
        ++count;
        of_items.at(index) = status;
    }
    explicit PutReports(std::size_t items) : of_items(items) {}
    Status last;
    std::size_t count = 0;
    std::vector<Status> of_items;
};

/// What lies at the server, by its whole path, as a server sees it: the paths lead through links.
struct ServerTree {
    explicit ServerTree(AnsweringChannel& channel) {
        channel.on_request = [this](PacketType type, std::uint32_t id, PacketReader fields,
                                    OutputBuffer& output) { return answer(type, id, fields, output); };
    }
    bool answer(PacketType type, std::uint32_t id, PacketReader fields, OutputBuffer& output) {
        std::string path(fields.text());
        if (type == PacketType::extended && path == "posix-rename@openssh.com") {
            (void)fields.text();
            published.emplace(fields.text());
            return false;
        }
        const auto found = modes.find(path);
        const bool is_there = found != modes.end();
        bool refused = false;
        if (type == PacketType::lstat && is_there) {
            const auto mode = tells_modes ? std::optional(found->second) : std::nullopt;
            PacketWriter(output, PacketType::attributes).number(id).attributes({0, mode, {}});
            return true;
        }
        if (type == PacketType::mkdir) {
            refused = is_there;
            modes.emplace(path, S_IFDIR | 0700U);
        } else if (type == PacketType::open) {
            refused = is_there && (fields.number() & open_flag::exclusive) != 0;
            if (!refused) {
                opened.push_back(std::move(path));
            }
        }
        if (refused) {
            PacketWriter(output, PacketType::status).number(id).number(reply_code::failure);
        }
        return refused;
    }
    std::map<std::string, std::uint32_t> modes;
    bool tells_modes = true;
    std::vector<std::string> opened;
    std::set<std::string> published;
};

/// A source directory, and what outlives a session.
struct PutSite {
    explicit PutSite(TransferMode mode = TransferMode::move)
        : options([&] {
              settings.values.mode = mode;
              return SftpOptions(settings.get());
          }()) {}

    [[nodiscard]] PutItem item_of(std::string_view name) const {
        return mistamover::test::put_item(source.path(), name);
    }
    /// By a session of its own.
    void run(AnsweringChannel& channel, std::span<const PutItem> items, Publish publish,
             PutReports& reports) {
        Server server(channel, context);
        run_by(server, items, publish, reports);
        keeps_attributes = server.features().keeps_attributes;
    }
    void run_by(Server& server, std::span<const PutItem> items, Publish publish, PutReports& reports) {
        const std::string root = source.path().string();
        PutRequest request;
        request.source_root = root;
        request.items = items;
        request.publish = publish;
        TempNames names(options.target_dir + '/' + options.temp_dir);
        (void)BatchPut({server, connections, names, leftovers, options, context}, request, reports).run();
    }
    Status put(AnsweringChannel& channel, const std::string& name) {
        const PutItem item = item_of(name);
        PutReports reports(1);
        try {
            run(channel, {&item, 1}, Publish::rename, reports);
        } catch (const StatusError& error) {
            CHECK(reports.count == 0);
            return error.status();
        }
        CHECK(reports.count == 1);
        return reports.last;
    }
    /// In one request.
    std::vector<Status> put_all(AnsweringChannel& channel, const std::vector<std::string>& names,
                                Publish publish = Publish::rename) {
        std::vector<PutItem> items;
        items.reserve(names.size());
        for (const std::string& name : names) {
            items.push_back(item_of(name));
        }
        PutReports reports(items.size());
        run(channel, items, publish, reports);
        CHECK(reports.count == items.size());
        return reports.of_items;
    }
    /// The start of the large file `f`, left by an earlier session.
    void leave_start_of_f() {
        mistamover::test::write_file(source / "f", std::string(resumable_size, 'x'));
        AnsweringChannel channel;
        channel.refusals[PacketType::close] = AnsweringChannel::breaks;
        CHECK(put(channel, "f").code() == StatusCode::connection_lost);
    }

    mistamover::test::Scratch source;
    test::QuietContext context;
    mistamover::test::SettingsOfModule settings{option_specs};
    SftpOptions options;
    Leftovers leftovers;
    Connections connections{1, [](border::SessionContext&) { return std::make_unique<AnsweringChannel>(); }};
    bool keeps_attributes = true;
};

}  // namespace

TEST_CASE("a server that keeps neither modes nor times costs a moved file nothing") {
    for (const std::uint32_t code : {3U, 4U, 8U}) {
        PutSite site;
        mistamover::test::write_file(site.source / "f", "x");
        AnsweringChannel channel;
        channel.refusals[PacketType::fsetstat] = code;
        CHECK(site.put(channel, "f").ok());
        CHECK_FALSE(site.keeps_attributes);
    }
    PutSite mirror(TransferMode::mirror);
    mistamover::test::write_file(mirror.source / "f", "x");
    AnsweringChannel channel;
    channel.refusals[PacketType::fsetstat] = reply_code::permission_denied;
    const Status status = mirror.put(channel, "f");
    CHECK(status.code() == StatusCode::permission);
    CHECK(status.scope() == StatusScope::item);
}

TEST_CASE("a server that takes longer than the stall timeout to store a file is waited for") {
    using Clock = std::chrono::steady_clock;
    for (const PacketType late : {PacketType::extended, PacketType::close}) {
        PutSite site;
        site.context.stall_ms = 20;
        site.options.fsync = true;
        mistamover::test::write_file(site.source / "f", std::string(5'000'000, 'x'));
        AnsweringChannel channel;
        // The first of these; posix-rename is an extended request, too.
        std::optional<std::uint32_t> due;
        std::optional<Clock::time_point> asked_at;
        const auto succeed = [](OutputBuffer& output, std::uint32_t id) {
            PacketWriter(output, PacketType::status).number(id).number(reply_code::ok);
        };
        channel.answers[late] = [&](OutputBuffer& output, std::uint32_t id) {
            if (asked_at) {
                return succeed(output, id);
            }
            due = id;
            asked_at = Clock::now();
        };
        channel.on_wait = [&](OutputBuffer& output) {
            if (due && Clock::now() - *asked_at >= 100ms) {
                succeed(output, *std::exchange(due, std::nullopt));
            }
        };
        CHECK(site.put(channel, "f").ok());
    }
}

TEST_CASE("a source that changes while the server still has to answer for the end of it is not published") {
    for (const PacketType last : {PacketType::fsetstat, PacketType::close}) {
        PutSite site;
        mistamover::test::write_file(site.source / "f", "x");
        AnsweringChannel channel;
        bool published = false;
        channel.on_request = [&](PacketType type, std::uint32_t, PacketReader, OutputBuffer&) {
            // By then everything has been asked to be written.
            if (type == last) {
                mistamover::test::write_file(site.source / "f", "longer");
            }
            published = published || type == PacketType::extended;
            return false;
        };
        const Status status = site.put(channel, "f");
        CHECK(status.code() == StatusCode::source_changed);
        CHECK(status.scope() == StatusScope::item);
        CHECK_FALSE(published);
        CHECK(channel.times_asked(PacketType::remove) == 1);
    }
}

TEST_CASE("with fsync what is sent counts as delivered once its final name is on the disk too") {
    PutSite site;
    site.options.fsync = true;
    mistamover::test::write_file(site.source / "f", "x");
    std::filesystem::create_symlink("nowhere", site.source / "l");
    const std::string temp = "fsync /data/in/.mistamover-0/";
    for (const bool opens_directories : {true, false}) {
        AnsweringChannel channel;
        DiskLog disk(channel);
        disk.opens_directories = opens_directories;
        CHECK(site.put(channel, "f").ok());
        REQUIRE(disk.steps.size() == 3);
        CHECK(disk.steps[0].starts_with(temp));
        CHECK(disk.steps[1] == "rename");
        CHECK((opens_directories ? disk.steps[2] == "fsync /data/in" : disk.steps[2].starts_with(temp)));
        CHECK(disk.steps[2] != disk.steps[0]);
        CHECK(channel.times_asked(PacketType::close) == 2);
        CHECK(channel.times_asked(PacketType::remove) == (opens_directories ? 0 : 1));
        AnsweringChannel of_link;
        DiskLog disk_of_link(of_link);
        CHECK(site.put(of_link, "l").ok());
        CHECK(disk_of_link.steps == std::vector<std::string>{"rename", "fsync /data/in"});
    }
}

TEST_CASE("a final name that cannot be brought to the disk fails what has it, which is not removed") {
    PutSite site;
    site.options.fsync = true;
    mistamover::test::write_file(site.source / "f", "x");
    for (const Publish publish : {Publish::rename, Publish::direct}) {
        AnsweringChannel channel;
        DiskLog disk(channel);
        disk.steps_before_refusal = publish == Publish::rename ? 2 : 1;
        const Status status = site.put_all(channel, {"f"}, publish).front();
        CHECK(status.code() == StatusCode::no_space);
        CHECK(status.scope() == StatusScope::session);
        CHECK_FALSE(status.outcome_known());
        // Of the directory, and then of a temporary file, which alone is removed.
        CHECK(disk.steps.size() == disk.steps_before_refusal + 2);
        CHECK(channel.times_asked(PacketType::remove) == 1);
    }
}

TEST_CASE("files that get their names while a directory is brought to the disk share the next time") {
    PutSite site;
    site.options.fsync = true;
    std::vector<std::string> names;
    for (int i = 0; i < 40; ++i) {
        names.push_back(std::to_string(i));
        mistamover::test::write_file(site.source / names.back(), "x");
    }
    AnsweringChannel channel;
    DiskLog disk(channel);
    for (const Status& status : site.put_all(channel, names)) {
        CHECK_MESSAGE(status.ok(), status.text());
    }
    const auto syncs = std::count(disk.steps.begin(), disk.steps.end(), "fsync /data/in");
    CHECK(syncs >= 1);
    CHECK(syncs <= 20);
    CHECK(disk.steps.back() == "fsync /data/in");
}

TEST_CASE("whether a server keeps times is found out with a file that is removed again") {
    for (const std::uint32_t code : {0U, 3U, 8U}) {
        PutSite site;
        AnsweringChannel channel;
        channel.refusals[PacketType::fsetstat] = code;
        Server server(channel, site.context);
        TempNames names("/t");
        server.try_attributes(names);
        CHECK(server.features().keeps_attributes == (code == 0));
        // Where it keeps none, there is one more for the server's clock.
        const int files = code == 0 ? 1 : 2;
        CHECK(channel.times_asked(PacketType::open) == files);
        CHECK(channel.times_asked(PacketType::remove) == files);
        CHECK(channel.times_asked(PacketType::close) == files);
    }
}

TEST_CASE("a server at which files get another time than they are told is told none for a mirror's files") {
    constexpr std::uint32_t even = 1'000'000'000;  // as a file system would have it that keeps no odd ones
    for (const std::optional<std::uint32_t> found :
         std::initializer_list<std::optional<std::uint32_t>>{{}, even, even + 1}) {
        PutSite site(TransferMode::mirror);
        mistamover::test::write_file(site.source / "f", "x");
        AnsweringChannel channel;
        channel.answers[PacketType::lstat] = [&](OutputBuffer& output, std::uint32_t id) {
            PacketWriter(output, PacketType::attributes).number(id).attributes({0, S_IFREG | 0600U, found});
        };
        std::vector<Attributes> told;
        channel.on_request = [&](PacketType type, std::uint32_t, PacketReader fields, OutputBuffer&) {
            if (type == PacketType::fsetstat) {
                (void)fields.text();
                told.push_back(fields.attributes());
            }
            return false;
        };
        Server server(channel, site.context);
        TempNames names("/t");
        server.try_attributes(names);
        CHECK(server.features().keeps_attributes);
        CHECK(server.features().keeps_times == (found != even));
        const PutItem item = site.item_of("f");
        PutReports reports(1);
        site.run_by(server, {&item, 1}, Publish::rename, reports);
        CHECK(reports.last.ok());
        REQUIRE(told.size() == 2);
        CHECK(told[0].mtime == even + 1);
        CHECK(told[1].mtime.has_value() == (found != even));
        CHECK(told[1].mode.has_value());
    }
}

TEST_CASE("a server without links fails the link, and one that is full the session") {
    PutSite site;
    std::filesystem::create_symlink("nowhere", site.source / "l");
    for (const std::uint32_t code : {3U, 8U}) {
        AnsweringChannel channel;
        channel.refusals[PacketType::symlink] = code;
        const Status status = site.put(channel, "l");
        CHECK(status.code() == StatusCode::unsupported);
        CHECK(status.scope() == StatusScope::item);
    }
    AnsweringChannel full;
    full.refusals[PacketType::symlink] = reply_code::failure;
    const Status status = site.put(full, "l");
    CHECK(status.code() == StatusCode::no_space);
    CHECK(status.scope() == StatusScope::session);
}

TEST_CASE("a directory that cannot be made for no reason, and is not there, tells of a full disk") {
    PutSite site;
    std::filesystem::create_directory(site.source / "d");
    AnsweringChannel channel;
    channel.refusals[PacketType::mkdir] = reply_code::failure;
    const Status status = site.put(channel, "d");
    CHECK(status.code() == StatusCode::no_space);
    CHECK(status.scope() == StatusScope::session);
}

TEST_CASE("a refused rename is the directory's where that takes nothing new, and else the file's") {
    PutSite site;
    mistamover::test::write_file(site.source / "f", "x");
    for (const std::uint32_t code : {reply_code::permission_denied, reply_code::failure}) {
        AnsweringChannel usable;
        usable.refusals[PacketType::extended] = code;
        const Status of_file = site.put(usable, "f");
        CHECK(of_file.code() == StatusCode::permission);
        CHECK(of_file.scope() == StatusScope::item);
        CHECK(usable.times_asked(PacketType::rmdir) == 1);
        CHECK(usable.times_asked(PacketType::remove) == 1);
        AnsweringChannel closed;
        closed.refusals[PacketType::extended] = code;
        closed.refusals[PacketType::mkdir] = code;
        const Status of_directory = site.put(closed, "f");
        CHECK(of_directory.code() ==
              (code == reply_code::failure ? StatusCode::no_space : StatusCode::permission));
        CHECK(of_directory.scope() == StatusScope::session);
        CHECK(closed.times_asked(PacketType::remove) == 1);
    }
}

TEST_CASE("a connection that breaks over a trial directory leaves none at the server") {
    PutSite site;
    mistamover::test::write_file(site.source / "f", "x");
    AnsweringChannel channel;
    std::vector<std::string> made;
    std::vector<std::string> removed;
    channel.on_request = [&](PacketType type, std::uint32_t, PacketReader fields, OutputBuffer&) {
        if (type == PacketType::mkdir) {
            made.emplace_back(fields.text());
        } else if (type == PacketType::rmdir) {
            removed.emplace_back(fields.text());
        }
        return false;
    };
    channel.refusals[PacketType::extended] = reply_code::permission_denied;
    channel.refusals[PacketType::mkdir] = AnsweringChannel::breaks;
    CHECK(site.put(channel, "f").code() == StatusCode::connection_lost);
    CHECK(made.size() == 1);
    CHECK(removed == made);
}

TEST_CASE("nothing is sent through a link to a directory, whether or not the directory is sent too") {
    PutSite site;
    mistamover::test::write_file(site.source / "d/e/x", "x");
    const std::vector<std::vector<std::string>> requests{{"d", "d/e", "d/e/x"}, {"d/e", "d/e/x"}, {"d/e/x"}};
    for (const auto& names : requests) {
        for (const Publish publish : {Publish::rename, Publish::direct}) {
            AnsweringChannel channel;
            ServerTree tree(channel);
            tree.modes = {{"/data/in/d", S_IFLNK | 0777U}, {"/data/in/d/e", S_IFDIR | 0700U}};
            for (const Status& status : site.put_all(channel, names, publish)) {
                CHECK(status.code() == StatusCode::exists);
                CHECK(status.scope() == StatusScope::item);
                CHECK_MESSAGE(status.text().find("/data/in/d") != std::string_view::npos, status.text());
            }
            CHECK(tree.opened.empty());
            CHECK(tree.published.empty());
            CHECK(channel.times_asked(PacketType::mkdir) == (names.front() == "d" ? 1 : 0));
        }
    }
}

TEST_CASE("what is sent last through a link to a directory is refused as what was sent first") {
    PutSite site;
    std::vector<std::string> names;
    for (int i = 0; i < 1'000; ++i) {
        names.push_back("d/" + std::to_string(i));
        mistamover::test::write_file(site.source / names.back(), "x");
    }
    AnsweringChannel channel;
    ServerTree tree(channel);
    tree.modes = {{"/data/in/d", S_IFLNK | 0777U}};
    for (const Status& status : site.put_all(channel, names)) {
        CHECK(status.code() == StatusCode::exists);
    }
    CHECK(tree.opened.empty());
}

TEST_CASE(
    "what lies in directories that are there, or are made, arrives, and each of them is looked at once") {
    PutSite site;
    for (const char* name : {"d/x", "d/y", "d/e/x", "d/e/y"}) {
        mistamover::test::write_file(site.source / name, "x");
    }
    AnsweringChannel channel;
    ServerTree tree(channel);
    tree.modes = {{"/data/in/d", S_IFDIR | 0700U}};
    for (const Status& status : site.put_all(channel, {"d/x", "d/y", "d/e", "d/e/x", "d/e/y"})) {
        CHECK_MESSAGE(status.ok(), status.text());
    }
    CHECK(tree.published ==
          std::set<std::string>{"/data/in/d/x", "/data/in/d/y", "/data/in/d/e/x", "/data/in/d/e/y"});
    CHECK(channel.times_asked(PacketType::lstat) == 2);
}

TEST_CASE("what lies in a directory that cannot be made, or is not there, is not sent") {
    PutSite site;
    mistamover::test::write_file(site.source / "d/x", "x");
    AnsweringChannel forbidden;
    forbidden.refusals[PacketType::mkdir] = reply_code::permission_denied;
    for (const Status& status : site.put_all(forbidden, {"d", "d/x"})) {
        CHECK(status.code() == StatusCode::permission);
        CHECK(status.scope() == StatusScope::item);
    }
    CHECK(forbidden.times_asked(PacketType::open) == 0);
    AnsweringChannel without;
    CHECK(site.put_all(without, {"d/x"}).front().code() == StatusCode::not_found);
    CHECK(without.times_asked(PacketType::open) == 0);
}

TEST_CASE("new files beside each other are sent without a look at the target") {
    PutSite site;
    mistamover::test::write_file(site.source / "f", "x");
    mistamover::test::write_file(site.source / "g", "x");
    for (const Publish publish : {Publish::rename, Publish::direct}) {
        AnsweringChannel channel;
        for (const Status& status : site.put_all(channel, {"f", "g"}, publish)) {
            CHECK_MESSAGE(status.ok(), status.text());
        }
        CHECK(channel.times_asked(PacketType::lstat) == 0);
        CHECK(channel.times_asked(PacketType::open) == 2);
    }
}

TEST_CASE("a file that is written in place overwrites a file, and nothing through a link") {
    PutSite site;
    mistamover::test::write_file(site.source / "f", "x");
    for (const std::uint32_t kind : std::initializer_list<std::uint32_t>{S_IFLNK, S_IFIFO, S_IFDIR}) {
        AnsweringChannel channel;
        ServerTree tree(channel);
        tree.modes = {{"/data/in/f", kind | 0600U}};
        const Status status = site.put_all(channel, {"f"}, Publish::direct).front();
        CHECK(status.code() == StatusCode::exists);
        CHECK(status.scope() == StatusScope::item);
        CHECK(tree.opened.empty());
        CHECK(channel.times_asked(PacketType::remove) == 0);
    }
    AnsweringChannel channel;
    ServerTree tree(channel);
    tree.modes = {{"/data/in/f", S_IFREG | 0600U}};
    CHECK(site.put_all(channel, {"f"}, Publish::direct).front().ok());
    CHECK(tree.opened == std::vector<std::string>{"/data/in/f"});
}

TEST_CASE("a file is written in place where the server does not tell what kind of thing is there") {
    PutSite site;
    mistamover::test::write_file(site.source / "f", "x");
    AnsweringChannel channel;
    ServerTree tree(channel);
    tree.modes = {{"/data/in/f", S_IFREG | 0600U}};
    tree.tells_modes = false;
    CHECK(site.put_all(channel, {"f"}, Publish::direct).front().ok());
    CHECK(channel.times_asked(PacketType::lstat) == 1);
    CHECK(tree.opened == std::vector<std::string>{"/data/in/f"});
}

TEST_CASE("a leftover over which a server breaks twice is removed, and the file sent anew") {
    PutSite site;
    site.leave_start_of_f();
    for (int times = 0; times < 2; ++times) {
        AnsweringChannel breaking;
        breaking.size_of_files = resumable_size;
        breaking.refusals[PacketType::read] = AnsweringChannel::breaks;
        CHECK(site.put(breaking, "f").code() == StatusCode::connection_lost);
        CHECK(breaking.times_asked(PacketType::remove) == 0);
    }
    AnsweringChannel channel;
    channel.size_of_files = resumable_size;
    channel.refusals[PacketType::read] = AnsweringChannel::breaks;
    CHECK(site.put(channel, "f").ok());
    CHECK(channel.times_asked(PacketType::read) == 0);
    CHECK(channel.times_asked(PacketType::remove) == 1);
}

TEST_CASE("the leftover of what is no large file any more is removed") {
    PutSite site;
    site.leave_start_of_f();
    SUBCASE("a small file") {
        mistamover::test::write_file(site.source / "f", "x");
    }
    SUBCASE("a link") {
        std::filesystem::remove(site.source / "f");
        std::filesystem::create_symlink("nowhere", site.source / "f");
    }
    AnsweringChannel channel;
    CHECK(site.put(channel, "f").ok());
    CHECK(channel.times_asked(PacketType::remove) == 1);
    CHECK_FALSE(site.leftovers.take(site.options.target_dir + "/f"));
}

}  // namespace mistamover::sftp
