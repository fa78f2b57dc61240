// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_failure.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "rsync/complaints.hpp"

namespace mistamover::rsync {
namespace {

constexpr int exit_of_ssh = 255;

struct ExitMeaning {
    int exit_code;
    StatusCode code;
    StatusScope scope;
    bool outcome_known;
    const char* text;
};

constexpr std::array exit_meanings{
    ExitMeaning{1, StatusCode::configuration, StatusScope::stream, true, "rsync refuses its arguments"},
    ExitMeaning{2, StatusCode::configuration, StatusScope::stream, true,
                "the two rsyncs do not understand each other (does the login shell print something?)"},
    ExitMeaning{3, StatusCode::unreachable, StatusScope::session, true, "the target directory is not there"},
    ExitMeaning{4, StatusCode::unsupported, StatusScope::stream, true, "the server refuses what is asked"},
    ExitMeaning{10, StatusCode::unreachable, StatusScope::session, true, "no connection"},
    ExitMeaning{11, StatusCode::local_io, StatusScope::session, false, "reading or writing failed"},
    ExitMeaning{12, StatusCode::connection_lost, StatusScope::session, false, "the connection broke"},
    ExitMeaning{16, StatusCode::connection_lost, StatusScope::session, false, "rsync was ended"},
    ExitMeaning{19, StatusCode::connection_lost, StatusScope::session, false, "rsync was ended"},
    ExitMeaning{20, StatusCode::connection_lost, StatusScope::session, false, "rsync was ended"},
    ExitMeaning{22, StatusCode::local_io, StatusScope::session, false, "out of memory"},
    ExitMeaning{23, StatusCode::permission, StatusScope::item, true, "not everything was accepted"},
    ExitMeaning{24, StatusCode::source_changed, StatusScope::item, true, "some sources vanished"},
    ExitMeaning{30, StatusCode::timed_out, StatusScope::session, false, "the server does not answer"},
    ExitMeaning{35, StatusCode::timed_out, StatusScope::session, true, "the server does not answer"},
    ExitMeaning{124, StatusCode::connection_lost, StatusScope::session, false, "the remote command failed"},
    ExitMeaning{125, StatusCode::connection_lost, StatusScope::session, false,
                "the remote command was ended"},
    ExitMeaning{126, StatusCode::configuration, StatusScope::stream, true,
                "the remote rsync cannot be started"},
    ExitMeaning{127, StatusCode::configuration, StatusScope::stream, true, "there is no rsync at the target"},
};

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

bool any_line(std::string_view text, bool (*test)(std::string_view line)) {
    const std::vector<std::string_view> lines = lines_in(text);
    return std::any_of(lines.begin(), lines.end(), test);
}

// ssh is known by the form of its lines: in rsync's, names of files and system errors may say the same.
bool is_host_key_refusal(std::string_view line) {
    return line.starts_with("Host key verification failed") ||
           (line.starts_with('@') && has(line, "HOST IDENTIFICATION HAS CHANGED"));
}

// "user@host: Permission denied (publickey,password)."
bool lists_methods(std::string_view line) {
    constexpr std::string_view denied = "Permission denied (";
    const std::size_t at = line.find(denied);
    if (at == std::string_view::npos || !line.ends_with(").")) {
        return false;
    }
    const std::string_view login = line.substr(0, at);
    const char first = line[at + denied.size()];
    return (login.empty() || login.find(' ') == login.size() - 1) && (first < '0' || first > '9');
}

bool is_login_refusal(std::string_view line) {
    return lists_methods(line) ||
           (line.starts_with("Received disconnect from ") && has(line, "Too many authentication failures"));
}

// "rsync: The server is configured to refuse --delete", or "/usr/bin/rrsync error: option --delete-during has
// been disabled on this server."
bool is_option_refusal(std::string_view line) {
    return line.starts_with("rsync: The server is configured to refuse --") ||
           (has(line, ": option -") && line.ends_with(" has been disabled on this server."));
}

// The other end has been there, and has gone.
bool tells_of_break(std::string_view line) {
    return has(line, " bytes received so far)") && !has(line, "(0 bytes received so far)");
}

Status status_of(StatusCode code, StatusScope scope, const std::string& what, const ChildEnd& end,
                 bool outcome_known = true) {
    const std::string reason = reason_in(end.errors);
    Status status(code, scope, reason.empty() ? what : what + ": " + reason, end.result.code);
    if (!outcome_known) {
        status.with_outcome_unknown();
    }
    return status;
}

// The daemon's answer to the name and password, and to the name of its module, is a line of its protocol.
Status daemon_refusal(const ChildEnd& end) {
    if (has(end.errors, "@ERROR: auth failed")) {
        return status_of(StatusCode::authentication, StatusScope::stream, "the daemon refuses the password",
                         end);
    }
    if (has(end.errors, "@ERROR: max connections") || has(end.errors, "@ERROR: chdir failed") ||
        !has(end.errors, "@ERROR")) {
        return status_of(StatusCode::unreachable, StatusScope::session, "the daemon does not serve now", end);
    }
    return status_of(StatusCode::configuration, StatusScope::stream, "the daemon refuses", end);
}

Status failure_of_exit(const ChildEnd& end, bool over_ssh) {
    const int code = end.result.code;
    const Complaints complaints(end.errors, "");
    if (Status failure = complaints.of_session(); !failure.ok()) {
        return failure;
    }
    if (code == 5) {
        return daemon_refusal(end);
    }
    if (over_ssh && code == exit_of_ssh) {
        return ssh_failure(end.errors, any_line(end.errors, tells_of_break));
    }
    if (code == 11 && complaints.tell_of(ENOENT)) {
        return status_of(StatusCode::unreachable, StatusScope::session, "the target directory is not there",
                         end);
    }
    const auto* meaning = std::find_if(exit_meanings.begin(), exit_meanings.end(),
                                       [&](const ExitMeaning& known) { return known.exit_code == code; });
    if (meaning == exit_meanings.end()) {
        return status_of(StatusCode::internal, StatusScope::session,
                         "rsync ended with " + std::to_string(code), end, false);
    }
    return status_of(meaning->code, meaning->scope, meaning->text, end, meaning->outcome_known);
}

}  // namespace

Status failure_of(const ChildEnd& end, bool over_ssh) {
    switch (end.result.end) {
        case ChildResult::End::exited:
            return failure_of_exit(end, over_ssh);
        case ChildResult::End::stalled:
            return status_of(StatusCode::timed_out, StatusScope::session, "no progress", end, false);
        case ChildResult::End::cancelled:
            return Status(StatusCode::cancelled, StatusScope::item, "cancelled").with_outcome_unknown();
        case ChildResult::End::not_started:
            return status_from_errno(end.result.code, "start the program").code() == StatusCode::not_found
                       ? Status(StatusCode::configuration, StatusScope::stream,
                                "the program is not installed on this machine (rsync.cmd, ssh)",
                                end.result.code)
                       : Status(StatusCode::local_io, StatusScope::session, "the program cannot be started",
                                end.result.code);
        case ChildResult::End::input_failed:
            return Status(StatusCode::local_io, StatusScope::session,
                          "the program could not be given its input on this machine", end.result.code)
                .with_outcome_unknown();
        case ChildResult::End::signalled:
            break;
    }
    return status_of(StatusCode::connection_lost, StatusScope::session,
                     "the program was ended by signal " + std::to_string(end.result.code), end, false);
}

bool is_refused_an_option(const ChildEnd& end) {
    const bool ran = end.result.exited_with(0) || end.result.exited_with(exit_partial) ||
                     end.result.exited_with(exit_vanished);
    return !ran && end.result.end == ChildResult::End::exited && any_line(end.errors, is_option_refusal);
}

Status ssh_failure(std::string_view errors, bool connected) {
    const std::string reason = reason_in(errors);
    const auto status = [&](StatusCode code, StatusScope scope, const std::string& what) {
        return Status(code, scope, reason.empty() ? what : what + ": " + reason, exit_of_ssh);
    };
    if (any_line(errors, is_host_key_refusal)) {
        return status(StatusCode::host_key, StatusScope::stream,
                      "the host's key is not the one that is known of it");
    }
    if (any_line(errors, is_login_refusal)) {
        return status(StatusCode::authentication, StatusScope::stream, "ssh was not let in");
    }
    if (!connected && !has(errors, "mux_client")) {
        return status(StatusCode::unreachable, StatusScope::session, "no connection by ssh");
    }
    return status(StatusCode::connection_lost, StatusScope::session, "the connection by ssh broke")
        .with_outcome_unknown();
}

std::string reason_in(std::string_view errors) {
    constexpr std::size_t longest = 300;
    for (const std::string_view line : lines_in(errors)) {
        const bool is_decoration = line.starts_with('@') && line.ends_with('@');
        if (!line.empty() && !is_decoration) {
            return std::string(line.substr(0, longest));
        }
    }
    return {};
}

Status item_failure(StatusCode code, std::string_view path, const char* what) {
    return {code, StatusScope::item, std::string(path) + ' ' + what};
}

}  // namespace mistamover::rsync
