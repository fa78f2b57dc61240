// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover {

/// A program to run: no shell, LC_ALL=C, default signal handling, a session and process group of its own, no
/// terminal, no descriptors but its standard ones; killed when the thread that started it ends, and so with
/// the calling process.
struct ChildCommand {
    std::vector<std::string> arguments;    ///< arguments[0] is looked up in PATH.
    std::vector<std::string> environment;  ///< "NAME=value", added to the inherited environment.
    std::string_view input = {};           ///< Written to its standard input, which is then closed.
};

struct ChildResult {
    /// `input_failed`: its input could not be written to it, and it was killed.
    enum class End : std::uint8_t { exited, signalled, stalled, cancelled, not_started, input_failed };
    End end = End::not_started;
    int code = 0;  ///< Exit code, signal number, or the errno of the failed start or input.
    [[nodiscard]] bool exited_with(int wanted) const { return end == End::exited && code == wanted; }
};

/// Receives output as it comes, in pieces of any length, on the calling thread.
using OutputHandler = std::function<void(std::string_view)>;

/// A running program whose output is read now and then, for one that serves others or is talked to. Used by
/// one thread, which is the one that made it. `ChildCommand::input` is not written.
class Child {
  public:
    /// `silent`: its standard input and output are /dev/null. `talking`: they are the caller's to use.
    enum class Streams : std::uint8_t { silent, talking };

    /// Throws std::system_error where it cannot be started.
    explicit Child(const ChildCommand& command, Streams streams = Streams::silent);
    /// Ends it as end() does.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] int pid() const noexcept { return pid_; }
    /// A socket that leads to its standard input (to be written with MSG_NOSIGNAL), and the ends of its
    /// standard and error output; all non-blocking, and closed with the object. The first two are -1 where it
    /// is silent.
    [[nodiscard]] int input() const noexcept { return input_; }
    [[nodiscard]] int output() const noexcept { return output_; }
    [[nodiscard]] int error_output() const noexcept { return error_output_; }
    /// How it ended; nothing while it runs. Does not wait.
    std::optional<ChildResult> ended();
    /// What it has printed on its standard error since the last call. Does not wait.
    std::string take_error_output();
    /// SIGTERM to its process group, SIGKILL two seconds later, unless it has ended.
    void end();

  private:
    int pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    int error_output_ = -1;
    std::optional<ChildResult> result_;
};

/// Runs the program to its end; what it leaves behind in its process group is killed. It is ended (SIGTERM to
/// its process group, SIGKILL two seconds later) once the context is cancelled, or once it has neither
/// printed nor read anything for the context's stall timeout, and `keep_alive` (where given; asked about once
/// a second, with the process's id) has not returned true since. It sees the end of its input only once it
/// has been given all of it: where that fails it is killed first. A program that closes its standard input
/// early is no failure; its exit code tells what it made of that. Throws nothing but what the handlers throw,
/// and then the child is gone too.
ChildResult run_child(const ChildCommand& command, border::SessionContext& context,
                      const OutputHandler& on_output, const OutputHandler& on_error_output,
                      const std::function<bool(int)>& keep_alive = {});

}  // namespace mistamover
