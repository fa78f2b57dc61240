// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/failure.hpp"

#include <algorithm>
#include <array>

namespace mistamover::sftp {
namespace {

struct CodeMeaning {
    std::uint32_t number;
    StatusCode code;
    StatusScope scope;
    const char* text;
};

// Numbers above 8 are of later versions of the protocol; some servers send them in version 3 too.
constexpr std::array code_meanings{
    CodeMeaning{2, StatusCode::not_found, StatusScope::item, "no such file or directory"},
    CodeMeaning{3, StatusCode::permission, StatusScope::item, "permission denied"},
    CodeMeaning{5, StatusCode::unsupported, StatusScope::item,
                "the server does not take that name or request"},
    CodeMeaning{6, StatusCode::connection_lost, StatusScope::session, "the server has no connection"},
    CodeMeaning{7, StatusCode::connection_lost, StatusScope::session, "the server has lost its connection"},
    CodeMeaning{8, StatusCode::unsupported, StatusScope::item, "the server cannot do that"},
    CodeMeaning{10, StatusCode::not_found, StatusScope::item, "no such path"},
    CodeMeaning{11, StatusCode::exists, StatusScope::item, "it is there already"},
    CodeMeaning{12, StatusCode::permission, StatusScope::session, "the disk is write-protected"},
    CodeMeaning{13, StatusCode::unreachable, StatusScope::session, "there is no medium in the drive"},
    CodeMeaning{14, StatusCode::no_space, StatusScope::session, "no space is left"},
    CodeMeaning{15, StatusCode::no_space, StatusScope::session, "the quota is used up"},
    CodeMeaning{18, StatusCode::exists, StatusScope::item, "the directory is not empty"},
    CodeMeaning{19, StatusCode::exists, StatusScope::item, "it is not a directory"},
    CodeMeaning{20, StatusCode::unsupported, StatusScope::item, "the server does not take that name"},
};

struct Symptom {
    const char* printed;
    StatusCode code;
    StatusScope scope;
    const char* meaning;
};

// ssh has one exit code for everything; its messages, untranslated, are all that tells. The first that is
// found counts.
constexpr std::array symptoms{
    Symptom{"REMOTE HOST IDENTIFICATION HAS CHANGED", StatusCode::host_key, StatusScope::stream,
            "the host's key has changed: make sure that it is the right host, then replace its line in the "
            "known hosts"},
    Symptom{"Host key verification failed", StatusCode::host_key, StatusScope::stream,
            "the host's key is not known: add it to the known hosts, or set sftp.host_key: accept-new"},
    Symptom{"Permission denied (", StatusCode::authentication, StatusScope::stream,
            "the server refuses the login"},
    Symptom{"Too many authentication failures", StatusCode::authentication, StatusScope::stream,
            "the server refuses the login"},
    Symptom{"No more authentication methods", StatusCode::authentication, StatusScope::stream,
            "the server refuses the login"},
    Symptom{"Unable to negotiate", StatusCode::configuration, StatusScope::stream,
            "the server knows none of the algorithms"},
    Symptom{"Bad SSH2 cipher spec", StatusCode::configuration, StatusScope::stream,
            "sftp.ciphers names no cipher"},
    Symptom{"bad configuration options", StatusCode::configuration, StatusScope::stream,
            "ssh refuses its configuration"},
    Symptom{"Bad owner or permissions on", StatusCode::configuration, StatusScope::stream,
            "ssh refuses its configuration"},
    Symptom{"Can't open user config file", StatusCode::configuration, StatusScope::stream,
            "sftp.ssh_config cannot be read"},
    Symptom{"subsystem request failed", StatusCode::configuration, StatusScope::stream,
            "the server does not offer SFTP to this user"},
    Symptom{"Connection timed out", StatusCode::timed_out, StatusScope::session, "the host does not answer"},
    Symptom{"Operation timed out", StatusCode::timed_out, StatusScope::session, "the host does not answer"},
    Symptom{"not responding", StatusCode::timed_out, StatusScope::session, "the host has fallen silent"},
};

bool is_noise(std::string_view line) {
    return line.empty() || line.starts_with('@') || line.starts_with("Warning:") || line.starts_with("debug");
}

// The line that has the symptom, or else the last that says something.
std::string line_with(std::string_view text, std::string_view part) {
    std::string found;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        if (!part.empty() && line.find(part) != std::string_view::npos) {
            return std::string(line);
        }
        if (!is_noise(line)) {
            found = line;
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return found;
}

}  // namespace

Status server_failure(std::uint32_t code, std::string_view message, std::string_view doing,
                      StatusCode unspecific) {
    const auto* meaning = std::find_if(code_meanings.begin(), code_meanings.end(),
                                       [code](const CodeMeaning& known) { return known.number == code; });
    std::string text(doing);
    text += ": ";
    const auto number = static_cast<std::int32_t>(code);
    if (meaning != code_meanings.end()) {
        return {meaning->code, meaning->scope, text + meaning->text, number};
    }
    text += "the server says \"" + std::string(message.substr(0, 200)) + '"';
    const bool reaches_all = unspecific == StatusCode::no_space;
    return {unspecific, reaches_all ? StatusScope::session : StatusScope::item, text, number};
}

Status ssh_failure(std::string_view printed, int exit_code, bool connected) {
    for (const Symptom& symptom : symptoms) {
        if (connected && symptom.scope == StatusScope::stream) {
            continue;  // What was refused was let in before.
        }
        if (printed.find(symptom.printed) != std::string_view::npos) {
            return {symptom.code, symptom.scope,
                    std::string(symptom.meaning) + " (" + line_with(printed, symptom.printed) + ')',
                    exit_code};
        }
    }
    const std::string reason = line_with(printed, {});
    const std::string because = reason.empty() ? "" : ": " + reason;
    if (connected) {
        return Status(StatusCode::connection_lost, StatusScope::session, "the connection broke" + because,
                      exit_code)
            .with_outcome_unknown();
    }
    return {StatusCode::unreachable, StatusScope::session, "no connection by ssh" + because, exit_code};
}

}  // namespace mistamover::sftp
