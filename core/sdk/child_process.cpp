// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/child_process.hpp>

extern char** environ;

namespace mistamover {
namespace {

using border::SessionContext;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds tick{1000};
constexpr std::chrono::milliseconds grace{2000};

class Fd {
  public:
    explicit Fd(int fd = -1) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { close(); }
    [[nodiscard]] int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

  private:
    int fd_;
};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

struct Ends {
    Fd ours;
    Fd theirs;
};

// Numbered from 10 up, so that the child can put its own on 0 to 2 without overwriting one.
Fd moved_up(int fd) {
    Fd low(fd);
    Fd high(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
    if (high.get() < 0) {
        fail("fcntl");
    }
    return high;
}

Ends output_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        fail("pipe");
    }
    Fd reading(ends[0]);
    return {std::move(reading), moved_up(ends[1])};
}

// A socket, because writing to it when the child is gone can be had without SIGPIPE.
Ends input_socket() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        fail("socketpair");
    }
    Fd writing(ends[0]);
    return {std::move(writing), moved_up(ends[1])};
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_of(const ChildCommand& command) {
    std::vector<std::string> added = command.environment;
    added.emplace_back("LC_ALL=C");
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const std::string_view name = text.substr(0, text.find('=') + 1);
        bool replaced = false;
        for (const std::string& other : added) {
            replaced = replaced || std::string_view(other).starts_with(name);
        }
        if (!replaced) {
            all.emplace_back(text);
        }
    }
    all.insert(all.end(), added.begin(), added.end());
    return all;
}

struct ChildSide {
    char* const* arguments;
    char* const* environment;
    int input;
    int output;
    int error_output;
    int failure;
    pid_t parent;
};

// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void become_child(const ChildSide& side) {
    for (int number = 1; number < SIGRTMIN; ++number) {
        ::signal(number, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();  // A program that wants to ask for a password must find no terminal.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == side.parent && ::dup2(side.input, 0) == 0 && ::dup2(side.output, 1) == 1 &&
        ::dup2(side.error_output, 2) == 2) {
        ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
        ::execvpe(side.arguments[0], side.arguments, side.environment);
    }
    const int error = errno;
    [[maybe_unused]] const ssize_t told = ::write(side.failure, &error, sizeof error);
    ::_exit(127);
}

// The child's pid. Throws std::system_error, with the errno of the exec where it is that which failed.
pid_t start(const ChildCommand& command, int input, int output, int error_output) {
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_of(command);
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = pointers_to(environment);
    Ends failure = output_pipe();
    const ChildSide side{argument_pointers.data(),
                         environment_pointers.data(),
                         input,
                         output,
                         error_output,
                         failure.theirs.get(),
                         ::getpid()};
    const pid_t pid = ::fork();
    if (pid == 0) {
        become_child(side);
    }
    if (pid < 0) {
        fail("fork");
    }
    failure.theirs.close();
    int error = 0;
    ssize_t length = 0;
    while ((length = ::read(failure.ours.get(), &error, sizeof error)) < 0 && errno == EINTR) {
    }
    if (length > 0) {
        while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
        }
        throw std::system_error(error, std::generic_category(), command.arguments.front());
    }
    return pid;
}

bool has_ended(pid_t pid) {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
}

// Takes the end of a child that has ended, after killing what is left of its group: until it is taken, its
// number cannot be another's.
ChildResult reap(pid_t pid) {
    ::kill(-pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        return {ChildResult::End::signalled, WTERMSIG(status)};
    }
    return {ChildResult::End::exited, WEXITSTATUS(status)};
}

Fd pidfd_of(pid_t pid) {
    return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

bool wait_until_ended(pid_t pid, const Fd& pidfd, std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    while (!has_ended(pid)) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) {
            return false;
        }
        pollfd waiting{pidfd.get(), POLLIN, 0};
        // Without a pidfd poll() just waits, in short steps.
        ::poll(&waiting, 1, static_cast<int>(pidfd.get() >= 0 ? left : std::min<std::int64_t>(left, 10)));
    }
    return true;
}

ChildResult end_and_reap(pid_t pid) {
    const Fd pidfd = pidfd_of(pid);
    ::kill(-pid, SIGTERM);
    (void)wait_until_ended(pid, pidfd, grace);
    return reap(pid);
}

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
        Ends in = input_socket();
        Ends out = output_pipe();
        Ends err = output_pipe();
        pid_ = start(command, in.theirs.get(), out.theirs.get(), err.theirs.get());
        in_ = std::move(in.ours);
        out_ = std::move(out.ours);
        err_ = std::move(err.ours);
        pidfd_ = pidfd_of(pid_);
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
            wrote = true;
            input_.remove_prefix(length < 0 ? input_.size() : static_cast<std::size_t>(length));
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

Child::Child(const ChildCommand& command) {
    const Fd nothing = moved_up(::open("/dev/null", O_RDWR | O_CLOEXEC));
    Ends err = output_pipe();
    pid_ = start(command, nothing.get(), nothing.get(), err.theirs.get());
    set_nonblocking(err.ours.get());
    error_output_ = err.ours.release();
}

Child::~Child() {
    end();
    ::close(error_output_);
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
