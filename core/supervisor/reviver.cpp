// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/reviver.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "process/unique_fd.hpp"
#include "supervisor/child.hpp"
#include "supervisor/instance_lock.hpp"

namespace mistamover::supervisor {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds short_life = 1s;
constexpr std::chrono::milliseconds pause_after_short_life = 1s;
constexpr std::chrono::milliseconds look_interval = 20ms;
constexpr std::chrono::milliseconds longest_look_interval = 500ms;
constexpr std::chrono::milliseconds longest_pause = 60s;

// Between fork and exec: async-signal-safe calls only. A process on its own: neither its signals nor its
// descriptors come from here.
[[noreturn]] void become_controller(const char* program, char* const* arguments, int messages) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGXFSZ}) {
        ::signal(signal, SIG_DFL);
    }
    ::setsid();
    ::dup2(messages, STDERR_FILENO);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    ::execv(program, arguments);
    ::_exit(127);
}

}  // namespace

// A controller that was started and has not yet announced itself.
class Reviver::Attempt {
  public:
    Attempt(const std::string& program, std::vector<std::string> arguments)
        : messages_(::memfd_create("messages", MFD_CLOEXEC)) {
        arguments.insert(arguments.begin(), "mistamover");
        std::vector<char*> pointers;
        pointers.reserve(arguments.size() + 1);
        for (std::string& argument : arguments) {
            pointers.push_back(argument.data());
        }
        pointers.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            become_controller(program.c_str(), pointers.data(), messages_.get());
        }
        if (pid_ < 0) {
            end_ = "cannot be started: " + std::system_category().message(errno);
        }
    }

    // How it ended and what it said; empty while it runs.
    const std::string& end() {
        int status = 0;
        if (end_.empty() && ::waitpid(pid_, &status, WNOHANG) == pid_) {
            end_ = "ended with " + how_it_ended(status) + said();
        }
        return end_;
    }

  private:
    [[nodiscard]] std::string said() const {
        std::array<char, 4096> text{};
        const ssize_t length = ::pread(messages_.get(), text.data(), text.size(), 0);
        std::string lines(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        while (lines.ends_with('\n')) {
            lines.pop_back();
        }
        return lines.empty() ? "" : ": " + lines;
    }

    process::UniqueFd messages_;
    pid_t pid_ = -1;
    std::string end_;
};

Reviver::Reviver(std::filesystem::path run_dir, std::vector<std::string> arguments, Report report,
                 std::string program)
    : run_dir_(std::move(run_dir)),
      arguments_(std::move(arguments)),
      program_(std::move(program)),
      report_(std::move(report)) {}

Reviver::~Reviver() = default;

Reviver::Presence Reviver::look() {
    std::error_code error;
    // A directory that cannot be looked at says nothing of what is wanted.
    if (!std::filesystem::exists(InstanceLock::pid_file(run_dir_), error) && !error) {
        return Presence::not_wanted;
    }
    const pid_t holder = InstanceLock::holder(run_dir_);
    if (holder == 0) {
        dead_controller_ = 0;  // its number may now be that of another
        return Presence::dead;
    }
    const bool has_announced = holder != dead_controller_ && holder == InstanceLock::announced(run_dir_);
    return has_announced ? Presence::running : Presence::starting;
}

void Reviver::revive(pid_t dead_controller, std::chrono::milliseconds lived) {
    dead_controller_ = dead_controller;
    next_try_ = Clock::now() + (lived < short_life ? pause_after_short_life : 0ms);
    while (!step()) {
        std::this_thread::sleep_for(attempt_ ? look_interval : std::min(pause_ / 5, longest_look_interval));
    }
}

// True once there is nothing left to do.
bool Reviver::step() try {
    const Presence presence = look();
    if (presence == Presence::not_wanted || presence == Presence::running) {
        return true;
    }
    if (attempt_ && !attempt_->end().empty()) {
        report_("the controller that was started again " + attempt_->end());
        attempt_.reset();
        next_try_ = Clock::now() + pause_;
        pause_ = std::min(pause_ * 2, longest_pause);
    }
    if (!attempt_ && presence == Presence::dead && Clock::now() >= next_try_) {
        report_("the controller ended without a clean stop; it is started again");
        attempt_ = std::make_unique<Attempt>(program_, arguments_);
    }
    return false;
} catch (const std::exception&) {
    return false;  // no memory, for example, which may be there the next time
}

}  // namespace mistamover::supervisor
