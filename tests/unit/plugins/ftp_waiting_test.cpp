// SPDX-License-Identifier: BSD-3-Clause
#include <atomic>
#include <doctest/doctest.h>
#include <future>
#include <string>
#include <utility>

#include <mistamover/source_file.hpp>

#include "ftp/ftp_digest.hpp"
#include "ftp_talker.hpp"
#include "no_digests.hpp"
#include "put_item.hpp"
#include "scratch.hpp"

/// What is waited for, or takes its time, ends when the session is cancelled.
namespace mistamover::ftp {
namespace {

using namespace std::chrono_literals;

/// Of a session that is to be given up when the test says so, or once it was asked so often.
class ImpatientContext final : public border::SessionContext {
  public:
    void log(LogLevel, std::string_view) noexcept override {}
    bool cancelled() const noexcept override { return ++looks_ > looks_before_end; }
    int cancel_fd() const noexcept override { return -1; }
    std::int64_t stall_timeout_ms() const noexcept override { return stall_ms; }
    void acquire(std::uint64_t) noexcept override {}
    void progress(std::uint64_t) noexcept override {}
    std::atomic<unsigned> looks_before_end{1'000'000};
    std::int64_t stall_ms = 60'000;

  private:
    mutable std::atomic<unsigned> looks_{0};
};

/// What comes of logging in while another session finds out what the server can do, and does not end;
/// nothing where it is waited for, in vain.
std::optional<Status> login_behind_another(test::FtpTalk& talk, ImpatientContext& context,
                                           const std::function<void()>& meanwhile) {
    talk.state.probed = false;
    std::promise<void> held;
    std::promise<void> over;
    std::thread other([&] {
        const std::lock_guard lock(talk.state.probing);
        held.set_value();
        over.get_future().wait();
    });
    held.get_future().wait();
    std::future<Status> login = std::async(std::launch::async, [&] {
        try {
            const FtpSession session(talk.options, talk.tls, talk.state, context);
        } catch (const StatusError& error) {
            return error.status();
        }
        return Status{};
    });
    meanwhile();
    std::optional<Status> end;
    if (login.wait_for(20s) == std::future_status::ready) {
        end = login.get();
    }
    // Whoever goes on waiting is to find nothing to be done.
    talk.state.probed = true;
    over.set_value();
    other.join();
    return end;
}

}  // namespace

TEST_SUITE_BEGIN("ftp_waiting");

TEST_CASE("a session waits for another's probes no longer than for a silent server") {
    test::FtpTalk talk("none", {});
    ImpatientContext context;
    context.stall_ms = 1000;
    talk.options.connect_timeout = 1s;
    const auto end = login_behind_another(talk, context, [] {});
    REQUIRE(end);
    CHECK(end->code() == StatusCode::timed_out);
    CHECK(end->scope() == StatusScope::session);
}

TEST_CASE("a session waits for another's probes as long as the server answers them") {
    test::FtpTalk talk("none", {});
    talk.state.probed = false;
    talk.options.connect_timeout = 1s;
    ImpatientContext context;
    context.stall_ms = 1000;
    std::promise<void> held;
    std::thread other([&] {
        const std::lock_guard lock(talk.state.probing);
        held.set_value();
        // Longer than any one step may take.
        const auto end = std::chrono::steady_clock::now() + 3s;
        while (std::chrono::steady_clock::now() < end) {
            ++talk.state.probe_steps;
            std::this_thread::sleep_for(20ms);
        }
        talk.state.probed = true;
    });
    held.get_future().wait();
    CHECK_NOTHROW(FtpSession(talk.options, talk.tls, talk.state, context));
    CHECK(talk.state.probed);
    other.join();
}

TEST_CASE("each reply of the server is a step of what goes on") {
    test::FtpTalk talk("none", {});
    std::atomic<std::uint64_t> steps{0};
    Control control(talk.options, talk.tls, talk.context, false);
    control.count_steps(&steps);
    (void)control.call("PWD");
    (void)control.call("PWD");
    CHECK(steps == 2);
    control.count_steps(nullptr);
    (void)control.call("PWD");
    CHECK(steps == 2);
}

TEST_CASE("a session that waits for another's probes can be cancelled") {
    test::FtpTalk talk("none", {});
    ImpatientContext context;
    const auto end = login_behind_another(talk, context, [&] {
        // It has logged in then.
        CHECK(test::eventually([&] { return talk.talker.was_told("PWD") && talk.state.logged_in; }));
        context.looks_before_end = 0;
    });
    REQUIRE(end);
    CHECK(end->code() == StatusCode::cancelled);
}

TEST_CASE("the digest of a large source can be cancelled") {
    const test::Scratch scratch;
    const std::string content(1'000'000, 's');
    test::write_file(scratch / "f", content);
    const PutItem item = test::put_item(scratch.path(), "f");
    const SourceRoot root(scratch.path().native());
    SourceFile source(root, item);
    ImpatientContext patient;
    CHECK(source_digest(patient, source, content.size(), "md5").size() == 32);
    ImpatientContext context;
    context.looks_before_end = 1;
    try {
        (void)source_digest(context, source, content.size(), "md5");
        FAIL("it was computed");
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::cancelled);
    }
}

TEST_CASE("where OpenSSL refuses the algorithm a source has no digest, which equals none") {
    const test::Scratch scratch;
    test::write_file(scratch / "f", "content");
    struct stat info = {};
    REQUIRE(::stat((scratch / "f").c_str(), &info) == 0);
    PutItem item;
    item.path = "f";
    item.size = 7;
    item.mtime_ns = std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    item.device = info.st_dev;
    item.inode = info.st_ino;
    const SourceRoot root(scratch.path().native());
    SourceFile source(root, item);
    ImpatientContext context;
    const test::NoDigests refused;
    CHECK(source_digest(context, source, item.size, "md5").empty());
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
