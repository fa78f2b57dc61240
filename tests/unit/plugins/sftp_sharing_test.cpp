// SPDX-License-Identifier: BSD-3-Clause
#include <atomic>
#include <chrono>
#include <cstdint>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <thread>
#include <unistd.h>
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
using mistamover::test::eventually;
using test::AnsweringChannel;
using test::FileAtServer;

constexpr std::uint64_t shared_size = (257ULL << 20U) + 1;

/// A large file with something in every 16 KiB, and the rest of it a hole.
void write_large_file(const std::filesystem::path& path) {
    constexpr std::uint64_t stretch = 16UL * 1024;
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    for (std::uint64_t offset = 0; offset < shared_size; offset += stretch) {
        const std::string text = std::to_string(offset + 1);
        REQUIRE(::pwrite(file, text.data(), text.size(), static_cast<off_t>(offset)) > 0);
    }
    REQUIRE(::ftruncate(file, static_cast<off_t>(shared_size)) == 0);
    ::close(file);
}

struct OneReport final : PutSink {
    void done(std::size_t, const Status& status, const PutReport& report) noexcept override {
        of_item = status;
        bytes = report.bytes_sent;
        ++count;
    }
    Status of_item;
    std::uint64_t bytes = 0;
    int count = 0;
};

/// A session that puts the large file `f`, and a server that lets in one more connection.
struct SharingSite {
    explicit SharingSite(FileAtServer::Kind kind = FileAtServer::Kind::one) : at_server(kind) {
        write_large_file(source / "f");
        test::greet_as_openssh(first);
        first.on_request = [this](PacketType type, std::uint32_t id, PacketReader fields,
                                  OutputBuffer& output) {
            steps_of_first(type, fields);
            if (on_first && on_first(type, id, fields, output)) {
                return true;
            }
            if (type == PacketType::write && !may_run && ++writes_held > writes_ahead) {
                std::this_thread::sleep_for(2ms);  // so that the second has some of it to send
            }
            return at_server.answer(type, id, fields, output);
        };
    }
    void steps_of_first(PacketType type, PacketReader fields) {
        const std::string text(type == PacketType::extended ? fields.text() : "");
        if (text == "fsync@openssh.com") {
            steps.emplace_back(second_closed ? "fsync" : "early fsync");
        } else if (text == "posix-rename@openssh.com") {
            steps.emplace_back(second_closed ? "rename" : "early rename");
        }
    }
    std::unique_ptr<ByteChannel> make_second() {
        ++seconds;
        auto channel = std::make_unique<AnsweringChannel>();
        test::greet_as_openssh(*channel);
        AnsweringChannel& made = *channel;
        channel->on_request = [this, &made](PacketType type, std::uint32_t id, PacketReader fields,
                                            OutputBuffer& output) {
            second_closed = second_closed || type == PacketType::close;
            if (type == PacketType::write) {
                ++writes_of_second;
                may_run = true;
            }
            if (on_second && on_second(made, type)) {
                return false;
            }
            return at_server.answer(type, id, fields, output);
        };
        return channel;
    }
    /// The put's failure, or else the file's.
    Status put(AnsweringChannel& channel, Publish publish = Publish::rename) {
        const PutItem item = mistamover::test::put_item(source.path(), "f");
        const std::string root = source.path().string();
        PutRequest request;
        request.source_root = root;
        request.items = {&item, 1};
        request.publish = publish;
        TempNames names(options.target_dir + '/' + options.temp_dir);
        report = {};
        try {
            Server server(channel, context);
            server.start();
            (void)BatchPut({server, connections, names, leftovers, options, context}, request, report).run();
        } catch (const StatusError& error) {
            CHECK(report.count == 0);
            return error.status();
        }
        CHECK(report.count == 1);
        return report.of_item;
    }
    Status put() { return put(first); }
    [[nodiscard]] bool arrived() const {
        return at_server.content() == mistamover::test::read_file(source / "f");
    }
    [[nodiscard]] std::string target() const { return options.target_dir + "/f"; }

    static constexpr std::uint64_t writes_ahead = 64;

    mistamover::test::Scratch source;
    FileAtServer at_server;
    AnsweringChannel first;
    std::function<bool(PacketType, std::uint32_t, PacketReader, OutputBuffer&)> on_first;
    std::function<bool(AnsweringChannel&, PacketType)> on_second;
    std::atomic<bool> may_run{false};
    std::atomic<bool> second_closed{false};
    std::atomic<std::uint64_t> writes_of_second{0};
    std::atomic<int> seconds{0};
    std::uint64_t writes_held = 0;
    std::vector<std::string> steps;
    test::QuietContext context;
    mistamover::test::SettingsOfModule settings{option_specs};
    SftpOptions options{settings.get()};
    Leftovers leftovers;
    Connections::Clock::time_point now{};
    Connections connections{2, [this](border::SessionContext&) { return make_second(); },
                            [this] { return now; }};
    Connections::Counted session{connections};
    OneReport report;
};

/// A FileWriter alone, with one file that the server has opened.
struct WriterSite {
    WriterSite() {
        mistamover::test::write_file(source / "f", std::string(size, 'x'));
        test::greet_as_openssh(channel);
        server.start();
        const std::string root = source.path().string();
        file.source.emplace(SourceRoot(root), mistamover::test::put_item(source.path(), "f"));
        file.size = size;
        file.target = "/t/f";
        file.temp = "/t/temp";
        file.handle = "h";
        file.may_be_shared = true;
        file.pieces.begin(0, size);
    }
    void run(FileWriter& writer) {
        while (!ended) {
            writer.feed();
            server.pipeline().pump();
        }
    }
    static constexpr std::uint64_t size = 100'000;
    mistamover::test::Scratch source;
    test::QuietContext context;
    AnsweringChannel channel;
    Server server{channel, context};
    mistamover::test::SettingsOfModule settings{option_specs};
    SftpOptions options{settings.get()};
    std::atomic<int> asked{0};
    Connections connections{2, [this](border::SessionContext&) -> std::unique_ptr<ByteChannel> {
                                ++asked;
                                throw StatusError({StatusCode::unreachable, StatusScope::session, "none"});
                            }};
    Connections::Counted session{connections};
    OutgoingFile file;
    bool ended = false;
};

}  // namespace

TEST_CASE("a large file goes by two connections, and gets its name once both have written and closed it") {
    SharingSite site;
    site.options.fsync = true;
    CHECK(site.put().ok());
    CHECK(site.report.bytes == shared_size);
    CHECK(site.writes_of_second > 0);
    CHECK(site.steps == std::vector<std::string>{"fsync", "rename", "fsync"});
    CHECK(site.arrived());
}

TEST_CASE("a shared file that the second connection takes back when it closes is not published") {
    SharingSite site;
    site.on_second = [](AnsweringChannel& channel, PacketType) {
        channel.refusals[PacketType::close] = reply_code::failure;
        return false;
    };
    CHECK(site.put().code() == StatusCode::no_space);
    CHECK(site.steps.empty());
    CHECK(site.first.times_asked(PacketType::remove) == 1);
}

TEST_CASE("what the second connection has lost is sent by the first") {
    SharingSite site;
    site.on_second = [&](AnsweringChannel& channel, PacketType) {
        if (site.writes_of_second == 10) {
            channel.refusals[PacketType::write] = reply_code::failure;
        }
        return false;
    };
    CHECK(site.put().ok());
    CHECK(site.arrived());
    CHECK_FALSE(site.connections.take_spare());
    site.now += Connections::spare_tried_again_after;
    CHECK(site.connections.take_spare());
}

TEST_CASE("a file that opening once more has emptied, or that has two copies, is sent again as a whole") {
    for (const auto kind :
         {FileAtServer::Kind::emptied_when_opened, FileAtServer::Kind::copy_of_each_handle}) {
        SharingSite site(kind);
        const Status status = site.put();
        CHECK(status.code() == StatusCode::corrupt);
        CHECK(status.scope() == StatusScope::session);
        CHECK(site.steps.empty());
        CHECK(site.first.times_asked(PacketType::remove) == 1);
        CHECK(site.first.times_asked(PacketType::write) < 2000);
        CHECK(site.writes_of_second == 0);
        CHECK_FALSE(site.leftovers.take(site.target()));
    }
}

TEST_CASE("a second connection that is lost before it has closed the file is as a break of the first") {
    SharingSite site;
    SUBCASE("when it closes") {
        site.on_second = [](AnsweringChannel& channel, PacketType) {
            channel.refusals[PacketType::close] = AnsweringChannel::breaks;
            return false;
        };
    }
    SUBCASE("when it writes") {
        site.on_second = [&](AnsweringChannel& channel, PacketType) {
            if (site.writes_of_second == 20) {
                channel.refusals[PacketType::write] = AnsweringChannel::breaks;
            }
            return false;
        };
    }
    CHECK(site.put().code() == StatusCode::connection_lost);
    CHECK(site.steps.empty());
    CHECK(site.first.times_asked(PacketType::remove) == 0);
    AnsweringChannel again;
    test::greet_as_openssh(again);
    again.on_request = site.first.on_request;
    CHECK(site.put(again).ok());
    CHECK(again.times_asked(PacketType::fstat) == 1);
    CHECK(site.arrived());
}

TEST_CASE(
    "of a shared file whose session breaks only what is there without a gap counts, and the rest is sent") {
    SharingSite site;
    constexpr std::uint64_t gap_behind = 6UL << 20U;
    std::optional<std::uint64_t> gap;
    bool broken = false;
    site.on_first = [&](PacketType type, std::uint32_t, PacketReader fields, OutputBuffer&) {
        if (broken || type != PacketType::write) {
            return false;
        }
        (void)fields.text();
        const std::uint64_t offset = fields.long_number();
        if (!gap && offset > gap_behind && site.writes_of_second > 0) {
            gap = offset;  // which is neither written nor answered
            return true;
        }
        if (gap && eventually([&] { return site.writes_of_second > 100; })) {
            broken = true;
            site.first.refusals[PacketType::write] = AnsweringChannel::breaks;
        }
        return false;
    };
    CHECK(site.put().code() == StatusCode::connection_lost);
    REQUIRE(gap);
    auto leftover = site.leftovers.take(site.target());
    REQUIRE(leftover);
    CHECK(leftover->confirmed <= *gap);
    CHECK(leftover->confirmed > 0);
    site.leftovers.keep(site.target(), std::move(*leftover));
    AnsweringChannel again;
    test::greet_as_openssh(again);
    again.on_request = site.first.on_request;
    CHECK(site.put(again).ok());
    CHECK(again.times_asked(PacketType::fstat) == 1);
    CHECK(site.arrived());
}

TEST_CASE("a shared file whose put is cancelled ends soon and leaves no temporary file") {
    SharingSite site;
    std::optional<std::chrono::steady_clock::time_point> cancelled_at;
    site.on_first = [&](PacketType type, std::uint32_t, PacketReader, OutputBuffer&) {
        if (type == PacketType::write && !cancelled_at && site.writes_of_second > 10) {
            site.context.is_cancelled = true;
            cancelled_at = std::chrono::steady_clock::now();
        }
        return false;
    };
    CHECK(site.put().code() == StatusCode::cancelled);
    REQUIRE(cancelled_at);
    CHECK(std::chrono::steady_clock::now() - *cancelled_at < 10s);
    CHECK(site.steps.empty());
    CHECK(site.first.times_asked(PacketType::remove) == 1);
}

TEST_CASE("a second connection is not made for what must go by one") {
    SharingSite site;
    Publish publish = Publish::rename;
    std::optional<Connections::Counted> other;
    bool is_shared = false;
    SUBCASE("a large file goes by two") {
        is_shared = true;
    }
    SUBCASE("written under its own name") {
        publish = Publish::direct;
    }
    SUBCASE("with a limit to the bandwidth") {
        site.options.limited_bandwidth = true;
    }
    SUBCASE("where every connection is a session's") {
        other.emplace(site.connections);
    }
    SUBCASE("at a server that is not known to share") {
        site.first.answers.erase(PacketType::init);
    }
    SUBCASE("and that has no limits") {
        site.first.answers[PacketType::init] = [](OutputBuffer& output, std::uint32_t) {
            PacketWriter(output, PacketType::version)
                .number(protocol_version)
                .text("posix-rename@openssh.com")
                .text("1");
        };
    }
    site.first.refusals[PacketType::write] = reply_code::failure;
    site.on_first = [&](PacketType type, std::uint32_t, PacketReader, OutputBuffer&) {
        if (is_shared && type == PacketType::write) {
            CHECK(eventually([&] { return site.seconds > 0; }));
        }
        return false;
    };
    CHECK(site.put(site.first, publish).code() == StatusCode::no_space);
    CHECK((site.seconds > 0) == is_shared);
}

TEST_CASE("a file of which not every piece has been confirmed does not end well") {
    WriterSite site;
    Status status;
    FileWriter writer(site.server, site.connections, site.options, site.context, [&](OutgoingFile& file) {
        status = file.failure;
        site.ended = true;
    });
    SUBCASE("a piece was taken, and never sent") {
        (void)site.file.pieces.take(1);
        writer.add(site.file);
        site.run(writer);
        CHECK(status.code() == StatusCode::internal);
        CHECK(status.scope() == StatusScope::session);
    }
    SUBCASE("all were sent") {
        writer.add(site.file);
        site.run(writer);
        CHECK(status.ok());
    }
}

TEST_CASE("a file goes by one connection where this machine has no thread for a second") {
    WriterSite site;
    Status status(StatusCode::internal, StatusScope::item, "not ended");
    FileWriter writer(site.server, site.connections, site.options, site.context, [&](OutgoingFile& file) {
        status = file.failure;
        site.ended = true;
    });
    site.file.pieces.begin(0, 1ULL << 30U);  // large enough to be shared
    pthread_attr_t usual;
    pthread_attr_t too_large;
    REQUIRE(::pthread_getattr_default_np(&usual) == 0);
    REQUIRE(::pthread_attr_init(&too_large) == 0);
    REQUIRE(::pthread_attr_setstacksize(&too_large, 1ULL << 47U) == 0);
    REQUIRE(::pthread_setattr_default_np(&too_large) == 0);
    bool thrown = false;
    try {
        writer.add(site.file);
    } catch (const std::exception&) {
        thrown = true;
    }
    REQUIRE(::pthread_setattr_default_np(&usual) == 0);
    ::pthread_attr_destroy(&usual);
    ::pthread_attr_destroy(&too_large);
    CHECK_FALSE(thrown);
    site.file.pieces.begin(0, WriterSite::size);
    site.run(writer);
    CHECK(status.ok());
    CHECK(site.asked == 0);
    CHECK_FALSE(site.connections.take_spare());
}

}  // namespace mistamover::sftp
