// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/process_keeper.hpp"

#include <csignal>
#include <string.h>  // NOLINT(modernize-deprecated-headers): sigdescr_np
#include <sys/wait.h>

#include "process/spawn.hpp"

namespace mistamover::supervisor {
namespace {

using KeeperClock = process::EventLoop::Clock;

}  // namespace

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status)) {
        const char* text = ::sigdescr_np(WTERMSIG(status));
        return "signal " + std::to_string(WTERMSIG(status)) + " (" + (text == nullptr ? "unknown" : text) +
               ")";
    }
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

std::string ProcessKeeper::start(ChildProcess& child, const std::string& description,
                                 const std::function<void()>& spawn) {
    loop_.cancel(child.start_timer);
    child.start_timer = 0;
    child.started = KeeperClock::now();
    try {
        spawn();
        return "";
    } catch (const std::exception& error) {
        if (child.pid > 0) {
            ::kill(child.pid, SIGKILL);
        } else {
            child.channel.reset();
        }
        return description + " cannot be started: " + error.what();
    }
}

void ProcessKeeper::spawn(ChildProcess& child, const std::vector<std::string>& arguments,
                          const std::filesystem::path& work_dir, MessageHandler on_message) {
    std::filesystem::create_directories(work_dir);
    std::filesystem::permissions(work_dir, std::filesystem::perms::owner_all);
    auto [ours, theirs] = process::socket_pair();
    child.channel = std::make_unique<process::Channel>(
        loop_, std::move(ours),
        [&child, on_message = std::move(on_message)](process::Message&& message) {
            child.contact.heard(KeeperClock::now());
            on_message(std::move(message));
        },
        [] {});
    child.pid = process::spawn_self(arguments, theirs.get(), log_.socket());
    child.started = KeeperClock::now();
    child.contact = {};
    child.contact.heard(child.started);
}

void ProcessKeeper::start_later(ChildProcess& child, std::chrono::milliseconds pause,
                                std::function<void()> again) {
    loop_.cancel(child.start_timer);
    child.start_timer = loop_.call_after(pause, [&child, again = std::move(again)] {
        child.start_timer = 0;
        again();
    });
}

void ProcessKeeper::start_again(ChildProcess& child, std::function<void()> again) {
    ++child.restarts;
    const auto lived =
        std::chrono::duration_cast<std::chrono::milliseconds>(KeeperClock::now() - child.started);
    start_later(child, child.restart.next_pause(lived, random_jitter()), std::move(again));
}

void ProcessKeeper::stop(ChildProcess& child, const std::string& description,
                         std::chrono::milliseconds grace) {
    loop_.cancel(child.start_timer);
    child.start_timer = 0;
    if (child.pid < 0) {
        return;
    }
    child.channel->send(process::Stop{grace.count()});
    loop_.cancel(child.kill_timer);
    child.kill_timer = loop_.call_after(grace, [this, &child, description] {
        child.kill_timer = 0;
        log_.log().error(description + " did not end in time and is killed");
        ::kill(child.pid, SIGKILL);
    });
}

void ProcessKeeper::ended(ChildProcess& child) {
    child.channel->receive();  // its last words may still be in the socket
    child.pid = -1;
    child.channel.reset();
    loop_.cancel(child.kill_timer);
    child.kill_timer = 0;
}

bool ProcessKeeper::kill_if_it_hangs(ChildProcess& child, const std::string& description,
                                     const HealthCheck& health) {
    if (child.pid < 0 || !health.hangs(child.contact)) {
        return false;
    }
    log_.log().critical(description + " hangs and is killed");
    ::kill(child.pid, SIGKILL);
    return true;
}

void ProcessKeeper::cancel_timers(ChildProcess& child) {
    loop_.cancel(child.start_timer);
    loop_.cancel(child.kill_timer);
}

}  // namespace mistamover::supervisor
