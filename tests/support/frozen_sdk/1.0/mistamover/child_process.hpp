// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover {

/// A program to run: no shell, LC_ALL=C, its own process group, killed when the calling process dies.
struct ChildCommand {
    std::vector<std::string> arguments;    ///< arguments[0] is looked up in PATH.
    std::vector<std::string> environment;  ///< "NAME=value", added to the inherited environment.
    std::string_view input = {};           ///< Written to its standard input, which is then closed.
};

struct ChildResult {
    enum class End : std::uint8_t { exited, signalled, stalled, cancelled, not_started };
    End end = End::not_started;
    int code = 0;  ///< Exit code, signal number, or the errno of the failed start.
    [[nodiscard]] bool exited_with(int wanted) const { return end == End::exited && code == wanted; }
};

/// Receives output as it comes, in pieces of any length, on the calling thread.
using OutputHandler = std::function<void(std::string_view)>;

/// Runs the program to its end. It is ended (SIGTERM to its process group, SIGKILL two seconds later) once
/// the context is cancelled, or once it has neither printed nor read anything for the context's stall
/// timeout, and `keep_alive` (where given; asked about once a second) has not returned true since. Throws
/// nothing but what the handlers throw, and then the child is gone too.
ChildResult run_child(const ChildCommand& command, SessionContext& context, const OutputHandler& on_output,
                      const OutputHandler& on_error_output, const std::function<bool()>& keep_alive = {});

}  // namespace mistamover
