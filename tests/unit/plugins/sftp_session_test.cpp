// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/sftp_session.hpp"

#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include "module_settings.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

using namespace std::chrono_literals;
using test::AnsweringChannel;

struct ListedNames final : ListSink {
    void entry(std::string_view name, const EntryInfo& info) noexcept override {
        all.emplace_back(name);
        time = std::chrono::nanoseconds{info.mtime_ns};
    }
    std::vector<std::string> all;
    std::chrono::nanoseconds time{0};  ///< Of the last.
};

struct SeenTime final : StatSink {
    void entry(std::size_t /*index*/, const Status& /*status*/, const EntryInfo& info) noexcept override {
        time = std::chrono::nanoseconds{info.mtime_ns};
    }
    std::chrono::nanoseconds time{0};
};

struct ReceivedDigest final : BytesSink {
    void bytes(std::string_view data) noexcept override { text += data; }
    std::string text;
};

/// A session with a server that computes checksums.
struct SessionSite {
    using Clock = std::chrono::steady_clock;

    SessionSite() {
        auto answering = std::make_unique<AnsweringChannel>();
        channel = answering.get();
        channel->answers[PacketType::init] = [](OutputBuffer& output, std::uint32_t /*version*/) {
            PacketWriter(output, PacketType::version).number(protocol_version).text("check-file").text("");
        };
        connecting = std::move(answering);
        session = std::make_unique<SftpSession>(connections, options, leftovers, context);
    }
    /// Whatever is looked at is this.
    void show(const Attributes& attributes) {
        channel->answers[PacketType::lstat] = [attributes](OutputBuffer& output, std::uint32_t id) {
            PacketWriter(output, PacketType::attributes).number(id).attributes(attributes);
        };
    }
    /// A listing comes in answers of so many names; then it ends.
    void list_in(std::vector<std::uint32_t> counts) {
        channel->answers[PacketType::readdir] = [counts = std::move(counts), next = std::size_t{0}](
                                                    OutputBuffer& output, std::uint32_t id) mutable {
            if (next == counts.size()) {
                PacketWriter(output, PacketType::status).number(id).number(reply_code::end_of_file);
                return;
            }
            PacketWriter names(output, PacketType::name);
            names.number(id).number(counts[next]);
            for (std::uint32_t left = counts[next]; left > 0; --left) {
                names.text("n").text("").attributes({});
            }
            ++next;
        };
    }
    /// The server computes an empty checksum for so long.
    void compute_for(Clock::duration duration) {
        channel->answers[PacketType::extended] = [this](OutputBuffer& /*output*/, std::uint32_t id) {
            asked = id;
            asked_at = Clock::now();
        };
        channel->on_wait = [this, duration](OutputBuffer& output) {
            if (asked != 0 && Clock::now() - asked_at >= duration) {
                PacketWriter(output, PacketType::extended_reply).number(std::exchange(asked, 0)).text("md5");
            }
        };
    }
    Status list(ListedNames& names) { return session->list("d", names); }
    Status checksum(ReceivedDigest& digest) {
        try {
            return session->checksum("f", "md5", digest);
        } catch (const StatusError& error) {
            return error.status();
        }
    }
    /// Refused with this code.
    Status make_directory(std::uint32_t code) {
        channel->refusals[PacketType::mkdir] = code;
        return session->make_directory("d");
    }

    test::QuietContext context;
    mistamover::test::SettingsOfModule settings{option_specs};
    SftpOptions options{settings.get()};
    Leftovers leftovers;
    AnsweringChannel* channel = nullptr;
    std::unique_ptr<ByteChannel> connecting;
    Connections connections{1, [this](border::SessionContext&) { return std::move(connecting); }};
    std::unique_ptr<SftpSession> session;
    std::uint32_t asked = 0;  ///< For the checksum that is due.
    Clock::time_point asked_at;
};

/// A mirror's session with a server whose files all have the time at which they are looked at, by a clock
/// that is ahead; what it has been told is kept only where that is wanted.
struct ClockSite {
    explicit ClockSite(std::chrono::seconds clock_ahead, std::uint32_t refusal_of_times = reply_code::ok)
        : ahead(clock_ahead) {
        options.mirror = true;
        channel->refusals[PacketType::fsetstat] = refusal_of_times;
        channel->answers[PacketType::lstat] = [this](OutputBuffer& output, std::uint32_t id) {
            PacketWriter(output, PacketType::attributes).number(id).attributes(file());
        };
        channel->answers[PacketType::readdir] = [this](OutputBuffer& output, std::uint32_t id) {
            if (std::exchange(listed, !listed)) {
                PacketWriter(output, PacketType::status).number(id).number(reply_code::end_of_file);
                return;
            }
            PacketWriter(output, PacketType::name).number(id).number(1).text("n").text("").attributes(file());
        };
        session = std::make_unique<SftpSession>(connections, options, leftovers, context);
    }
    static std::chrono::nanoseconds now() { return std::chrono::system_clock::now().time_since_epoch(); }
    [[nodiscard]] Attributes file() const {
        const auto time = std::chrono::duration_cast<std::chrono::seconds>(now()) + ahead;
        return {0, S_IFREG | 0600U, static_cast<std::uint32_t>(time.count())};
    }

    test::QuietContext context;
    mistamover::test::SettingsOfModule settings{option_specs};
    SftpOptions options{settings.get()};
    Leftovers leftovers;
    std::chrono::seconds ahead;
    bool listed = false;
    std::unique_ptr<AnsweringChannel> connecting = std::make_unique<AnsweringChannel>();
    AnsweringChannel* channel = connecting.get();
    Connections connections{1, [this](border::SessionContext&) { return std::move(connecting); }};
    std::unique_ptr<SftpSession> session;
};

}  // namespace

TEST_CASE("times of arrival by a server's clock that is ahead are moved back to this machine's") {
    // Times are taken and not kept, or refused.
    for (const std::uint32_t refusal : {reply_code::ok, reply_code::permission_denied}) {
        CAPTURE(refusal);
        ClockSite site(300s, refusal);
        CHECK_FALSE(site.session->capabilities().has(Capability::set_time));
        const int trials = site.channel->times_asked(PacketType::remove);
        ListedNames names;
        CHECK(site.session->list("", names).ok());
        CHECK(names.time <= ClockSite::now());
        CHECK(names.time > ClockSite::now() - 200s);
        SeenTime seen;
        const std::string_view path = "n";
        CHECK(site.session->stat({&path, 1}, seen).ok());
        CHECK(seen.time <= ClockSite::now());
        CHECK(seen.time > ClockSite::now() - 200s);
        // Once an hour is enough.
        CHECK(site.channel->times_asked(PacketType::remove) == trials);
    }
}

TEST_CASE("a checksum that takes longer than the stall timeout is waited for") {
    SessionSite site;
    site.context.stall_ms = 20;
    site.show({60'000'000, S_IFREG | 0600, {}});
    site.compute_for(100ms);
    ReceivedDigest digest;
    CHECK(site.checksum(digest).ok());
    CHECK(site.channel->times_asked(PacketType::extended) == 1);
}

TEST_CASE("a checksum that never comes is given up once the file could have been read at 1 MB/s") {
    SessionSite site;
    site.context.stall_ms = 20;
    site.show({200'000, S_IFREG | 0600, {}});
    site.channel->answers[PacketType::extended] = [](OutputBuffer& /*output*/, std::uint32_t /*id*/) {};
    ReceivedDigest digest;
    const auto begin = SessionSite::Clock::now();
    const Status status = site.checksum(digest);
    CHECK(SessionSite::Clock::now() - begin >= 220ms);
    CHECK(status.code() == StatusCode::timed_out);
    CHECK(status.scope() == StatusScope::session);
    CHECK(status.text() == "the server has not answered for 220ms");
    CHECK_FALSE(status.outcome_known());
}

TEST_CASE("a size that no file has makes a checksum no less waited for") {
    SessionSite site;
    // So many nanoseconds as are a negative number.
    site.show({10'000'000'000'000'000, S_IFREG | 0600, {}});
    site.compute_for(0ms);
    ReceivedDigest digest;
    CHECK(site.checksum(digest).ok());
}

TEST_CASE("an algorithm that the server does not know is no file's failure") {
    SessionSite site;
    site.show({5, S_IFREG | 0600, {}});
    site.channel->refusals[PacketType::extended] = reply_code::unsupported;
    ReceivedDigest digest;
    const Status unknown = site.checksum(digest);
    CHECK(unknown.code() == StatusCode::configuration);
    CHECK(unknown.scope() == StatusScope::stream);
    site.channel->refusals[PacketType::extended] = reply_code::permission_denied;
    const Status forbidden = site.checksum(digest);
    CHECK(forbidden.code() == StatusCode::permission);
    CHECK(forbidden.scope() == StatusScope::item);
    site.show({0, S_IFREG | 0600, {}});
    site.channel->refusals[PacketType::extended] = reply_code::unsupported;
    CHECK(site.checksum(digest).scope() == StatusScope::item);
}

TEST_CASE("a checksum is taken as the server has it, and only of the algorithm that was asked for") {
    SessionSite site;
    site.show({5, S_IFREG | 0600, {}});
    std::string answer = "md5";
    site.channel->answers[PacketType::extended] = [&](OutputBuffer& output, std::uint32_t id) {
        PacketWriter(output, PacketType::extended_reply).number(id).text(answer).number(0x01abcdef);
    };
    ReceivedDigest digest;
    CHECK(site.checksum(digest).ok());
    CHECK(digest.text == "01abcdef");
    answer = "sha1";
    ReceivedDigest other;
    CHECK(site.checksum(other).code() == StatusCode::configuration);
    CHECK(other.text.empty());
    site.show({5, S_IFIFO | 0600, {}});
    CHECK(site.checksum(other).code() == StatusCode::unsupported);
    CHECK(site.channel->times_asked(PacketType::extended) == 2);
}

TEST_CASE("a listing goes on behind an answer without names, up to its end") {
    SessionSite site;
    site.list_in({2, 0, 1});
    ListedNames names;
    CHECK(site.list(names).ok());
    CHECK(names.all.size() == 3);
    CHECK(site.channel->times_asked(PacketType::readdir) == 4);
    CHECK(site.channel->times_asked(PacketType::close) == 1);
}

TEST_CASE("a server that gives no names again and again ends the listing with an error") {
    SessionSite site;
    // Were it asked for ever, this would end.
    site.list_in(std::vector<std::uint32_t>(10'000, 0));
    ListedNames names;
    const Status status = site.list(names);
    CHECK(status.code() == StatusCode::corrupt);
    CHECK(status.scope() == StatusScope::session);
    CHECK(names.all.empty());
    CHECK(site.channel->times_asked(PacketType::close) == 1);
}

TEST_CASE("a listing without end is given up when that is wanted") {
    SessionSite site;
    site.list_in(std::vector<std::uint32_t>(10'000, 1));
    site.context.is_cancelled = true;
    ListedNames names;
    CHECK(site.list(names).code() == StatusCode::cancelled);
    CHECK(names.all.size() < 10'000);
    CHECK(site.channel->times_asked(PacketType::close) == 1);
}

TEST_CASE("a link is not listed as the directory that it leads to, unless it is the target directory") {
    SessionSite site;
    site.show({{}, S_IFLNK | 0777, {}});
    site.list_in({2});
    ListedNames names;
    CHECK(site.list(names).code() == StatusCode::not_found);
    CHECK(names.all.empty());
    CHECK(site.channel->times_asked(PacketType::readdir) == 0);
    CHECK(site.channel->times_asked(PacketType::close) == 1);
    CHECK(site.session->list("", names).ok());
    CHECK(names.all.size() == 2);
}

TEST_CASE("with fsync a tree counts as placed once its final name is on the disk") {
    SessionSite site;
    test::DiskLog disk(*site.channel);
    CHECK(site.session->rename(".tmp/tree/d", "d").ok());
    CHECK(disk.steps == std::vector<std::string>{"rename"});
    site.options.fsync = true;
    CHECK(site.session->rename(".tmp/tree/d", "d").ok());
    CHECK(disk.steps == std::vector<std::string>{"rename", "rename", "fsync /data/in"});
    disk.opens_directories = false;
    disk.steps_before_refusal = 4;
    const Status status = site.session->rename(".tmp/tree/d", "d");
    CHECK(status.code() == StatusCode::no_space);
    CHECK_FALSE(status.outcome_known());
    CHECK(site.channel->times_asked(PacketType::remove) == 1);
}

TEST_CASE("a directory that is made is not looked at") {
    SessionSite site;
    CHECK(site.make_directory(reply_code::ok).ok());
    CHECK(site.channel->times_asked(PacketType::mkdir) == 1);
    CHECK(site.channel->times_asked(PacketType::lstat) == 0);
}

TEST_CASE("a directory cannot be made where anything of its name is there, of whatever kind") {
    for (const std::uint32_t kind : {040000U, 0100000U, 0120000U}) {
        SessionSite site;
        site.show({{}, kind | 0700, {}});
        const Status status = site.make_directory(reply_code::failure);
        CHECK(status.code() == StatusCode::exists);
        CHECK(status.scope() == StatusScope::item);
        CHECK(status.protocol_code() == reply_code::failure);
        CHECK(site.channel->times_asked(PacketType::lstat) == 1);
    }
    // Some servers say so themselves, with a code of later versions.
    SessionSite site;
    const Status status = site.make_directory(11);
    CHECK(status.code() == StatusCode::exists);
    CHECK(status.scope() == StatusScope::item);
}

TEST_CASE("a refused directory is the session's failure where no reason is given and nothing is there") {
    SessionSite site;
    const Status full = site.make_directory(reply_code::failure);
    CHECK(full.code() == StatusCode::no_space);
    CHECK(full.scope() == StatusScope::session);
    CHECK(full.protocol_code() == reply_code::failure);
    const Status forbidden = site.make_directory(reply_code::permission_denied);
    CHECK(forbidden.code() == StatusCode::permission);
    CHECK(forbidden.scope() == StatusScope::item);
    const Status no_parent = site.make_directory(reply_code::no_such_file);
    CHECK(no_parent.code() == StatusCode::not_found);
    CHECK(no_parent.scope() == StatusScope::item);
}

}  // namespace mistamover::sftp
