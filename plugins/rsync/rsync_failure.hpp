// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include <mistamover/child_process.hpp>
#include <mistamover/status.hpp>

namespace mistamover::rsync {

/// rsync's exit codes that the module acts upon.
inline constexpr int exit_usage = 1;
inline constexpr int exit_protocol = 2;
inline constexpr int exit_partial = 23;
inline constexpr int exit_vanished = 24;
inline constexpr int exit_delete_limit = 25;

/// How a child ended, and what it wrote to its error output.
struct ChildEnd {
    ChildResult result;
    std::string errors;
};

/// The Status of a child that did not exit with 0. `over_ssh`: its connection is ssh's. Where the connection
/// broke, the outcome is unknown.
Status failure_of(const ChildEnd& end, bool over_ssh);

/// Whether a daemon, or what a login is confined to, has refused an option of an rsync that ended.
bool is_refused_an_option(const ChildEnd& end);

/// The Status of an ssh that ended by itself. `connected`: it had been let in before.
Status ssh_failure(std::string_view errors, bool connected);

/// The first line of the error output that tells something, shortened.
std::string reason_in(std::string_view errors);

/// That of one path: its name, and what it is.
Status item_failure(StatusCode code, std::string_view path, const char* what);

}  // namespace mistamover::rsync
