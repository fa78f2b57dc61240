// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/child_process.hpp>

#include "sdk/child_start.hpp"

namespace mistamover {
namespace {

using border::SessionContext;
using detail::end_and_reap;
using detail::Ends;
using detail::Fd;
using detail::has_ended;
using detail::reap;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds tick{1000};

void set_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

// Reads what is there. False at the end of the output.
bool drain(int fd, const OutputHandler& handler, bool& active) {
    std::array<char, 65536> buffer;
    while (true) {
        const ssize_t length = ::read(fd, buffer.data(), buffer.size());
        if (length > 0) {
            active = true;
            handler(std::string_view(buffer.data(), static_cast<std::size_t>(length)));
        } else if (length == 0 || (errno != EINTR && errno != EAGAIN)) {
            return false;
        } else if (errno == EAGAIN) {
            return true;
        }
    }
}

// One run of a child. The destructor makes sure that it is gone whatever a handler throws.
class Run {
  public:
    Run(const ChildCommand& command, SessionContext& context) : context_(context), input_(command.input) {
        Ends in = detail::input_socket();
        Ends out = detail::output_pipe();
        Ends err = detail::output_pipe();
        pid_ = detail::start(command, in.theirs.get(), out.theirs.get(), err.theirs.get());
        in_ = std::move(in.ours);
        out_ = std::move(out.ours);
        err_ = std::move(err.ours);
        pidfd_ = detail::pidfd_of(pid_);
        for (const Fd* fd : {&in_, &out_, &err_}) {
            set_nonblocking(fd->get());
        }
        if (input_.empty()) {
            in_.close();
        }
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() {
        if (pid_ >= 0) {
            (void)end_and_reap(pid_);
        }
    }

    ChildResult to_end(const OutputHandler& on_output, const OutputHandler& on_error_output,
                       const std::function<bool(int)>& keep_alive) {
        auto last_activity = Clock::now();
        auto next_question = last_activity + tick;
        const std::chrono::milliseconds patience{context_.stall_timeout_ms()};
        while (true) {
            const bool ended = has_ended(pid_);
            bool active = write_input();
            if (input_error_ != 0) {
                // Killed before it sees the end of what it has got, which it must not take for the whole.
                (void)reap(std::exchange(pid_, -1));
                return {ChildResult::End::input_failed, input_error_};
            }
            for (auto [fd, handler] : {std::pair{&out_, &on_output}, std::pair{&err_, &on_error_output}}) {
                if (fd->get() >= 0 && !drain(fd->get(), *handler, active)) {
                    fd->close();
                }
            }
            if (ended) {
                return reap(std::exchange(pid_, -1));
            }
            if (context_.cancelled()) {
                return stop(ChildResult::End::cancelled);
            }
            const auto now = Clock::now();
            if (keep_alive && now >= next_question) {
                next_question = now + tick;
                active = keep_alive(pid_) || active;
            }
            if (active) {
                last_activity = now;
            } else if (now - last_activity >= patience) {
                return stop(ChildResult::End::stalled);
            }
            wait(
                std::min(tick, std::chrono::ceil<std::chrono::milliseconds>(last_activity + patience - now)));
        }
    }

  private:
    ChildResult stop(ChildResult::End end) {
        (void)end_and_reap(std::exchange(pid_, -1));
        return {end, 0};
    }

    // Whether the child took some of it.
    bool write_input() {
        bool wrote = false;
        while (in_.get() >= 0) {
            const ssize_t length = ::send(in_.get(), input_.data(), input_.size(), MSG_NOSIGNAL);
            if (length < 0 && errno == EINTR) {
                continue;
            }
            if (length < 0 && errno == EAGAIN) {
                break;
            }
            // It has ended, or reads no more.
            const bool unwanted = length < 0 && (errno == EPIPE || errno == ECONNRESET);
            if (length < 0 && !unwanted) {
                input_error_ = errno;
                break;
            }
            wrote = true;
            input_.remove_prefix(unwanted ? input_.size() : static_cast<std::size_t>(length));
            if (input_.empty()) {
                in_.close();
            }
        }
        return wrote;
    }

    void wait(std::chrono::milliseconds time) {
        std::array<pollfd, 5> waiting{{{out_.get(), POLLIN, 0},
                                       {err_.get(), POLLIN, 0},
                                       {in_.get(), POLLOUT, 0},
                                       {pidfd_.get(), POLLIN, 0},
                                       {context_.cancel_fd(), POLLIN, 0}}};
        if (pidfd_.get() < 0 && out_.get() < 0 && err_.get() < 0) {
            time = std::min(time, std::chrono::milliseconds{10});  // nothing would tell of the end
        }
        ::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<std::int64_t>(time.count(), 1)));
    }

    SessionContext& context_;
    std::string_view input_;
    int input_error_ = 0;
    pid_t pid_ = -1;
    Fd in_;
    Fd out_;
    Fd err_;
    Fd pidfd_;
};

}  // namespace

ChildResult run_child(const ChildCommand& command, SessionContext& context, const OutputHandler& on_output,
                      const OutputHandler& on_error_output, const std::function<bool(int)>& keep_alive) {
    std::optional<Run> run;
    try {
        run.emplace(command, context);
    } catch (const std::system_error& error) {
        return {ChildResult::End::not_started, error.code().value()};
    }
    return run->to_end(on_output, on_error_output, keep_alive);
}

Child::Child(const ChildCommand& command, Streams streams) {
    const bool talking = streams == Streams::talking;
    const Fd nothing = detail::null_device();
    Ends in{Fd(), Fd()};
    Ends out{Fd(), Fd()};
    if (talking) {
        in = detail::input_socket();
        out = detail::output_pipe();
    }
    Ends err = detail::output_pipe();
    pid_ = detail::start(command, talking ? in.theirs.get() : nothing.get(),
                         talking ? out.theirs.get() : nothing.get(), err.theirs.get());
    for (const Fd* fd : {&in.ours, &out.ours, &err.ours}) {
        set_nonblocking(fd->get());
    }
    input_ = in.ours.release();
    output_ = out.ours.release();
    error_output_ = err.ours.release();
}

Child::~Child() {
    end();
    for (const int fd : {input_, output_, error_output_}) {
        if (fd >= 0) {
            ::close(fd);
        }
    }
}

std::optional<ChildResult> Child::ended() {
    if (!result_ && has_ended(pid_)) {
        result_ = reap(pid_);
    }
    return result_;
}

std::string Child::take_error_output() {
    std::string text;
    bool active = false;
    (void)drain(
        error_output_, [&text](std::string_view piece) { text += piece; }, active);
    return text;
}

void Child::end() {
    if (!ended()) {
        result_ = end_and_reap(pid_);
    }
}

}  // namespace mistamover
