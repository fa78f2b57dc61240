// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_failure.hpp"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string>

#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

struct Meaning {
    StatusCode code;
    StatusScope scope;
};

constexpr Meaning item(StatusCode code) {
    return {code, StatusScope::item};
}
constexpr Meaning session(StatusCode code) {
    return {code, StatusScope::session};
}
constexpr Meaning stream(StatusCode code) {
    return {code, StatusScope::stream};
}

/// Whether `text` says one of these, in lower case, in whatever case.
bool says(const std::string& text, std::initializer_list<std::string_view> choice) {
    return std::any_of(choice.begin(), choice.end(), [&](std::string_view words) {
        return std::search(text.begin(), text.end(), words.begin(), words.end(), [](char a, char b) {
                   return std::tolower(static_cast<unsigned char>(a)) == b;
               }) != text.end();
    });
}

bool says(const Reply& reply, std::initializer_list<std::string_view> choice) {
    return std::any_of(reply.lines.begin(), reply.lines.end(),
                       [&](const std::string& line) { return says(line, choice); });
}

/// A server that is full may say so with the number of a refused password: the words alone tell them apart.
/// Those that are not understood mean the password, which must not be tried again and again.
bool says_full(const Reply& reply) {
    return says(reply, {"too many", "maximum number"}) &&
           says(reply, {"client", "user", "connection", "session"}) &&
           !says(reply, {"attempt", "fail", "tries", "password", "invalid", "error"});
}

/// Without the words that are paths, or names with a dot in them: what they say is nothing of the server's.
std::string without_paths(const std::string& line) {
    std::string rest;
    for (std::size_t at = 0; at < line.size();) {
        const std::size_t end = std::min(line.find(' ', at), line.size());
        const std::string word = line.substr(at, end - at);
        const std::size_t mark = word.find_first_of("./\\");
        if (mark == std::string::npos || (mark + 1 == word.size() && word[mark] == '.')) {
            rest += word + ' ';
        }
        at = end + 1;
    }
    return rest;
}

/// Whether what was refused by a number that means that one file was so for want of room. Words that are not
/// understood mean the file.
bool says_no_room(const Reply& reply) {
    return std::any_of(reply.lines.begin(), reply.lines.end(), [](const std::string& line) {
        const std::string text = without_paths(line);
        const bool no_space =
            says(text, {"no space", "no more space", "no free space", "no disk space", "not enough space",
                        "not enough disk", "not enough free", "not enough storage", "insufficient space",
                        "insufficient disk", "insufficient storage", "insufficient free", "out of space",
                        "out of disk", "out of storage", "space left"});
        const bool is_full = says(text, {"disk full", "disk is full", "disc full", "disc is full",
                                         "device full", "device is full", "system full", "system is full",
                                         "volume full", "volume is full", "storage full", "storage is full"});
        const bool over_quota =
            says(text, {"quota"}) && says(text, {"exceed", "over", "reach", "limit", "full", "used up"});
        return (no_space || is_full || over_quota) &&
               !says(text, {"denied", "permission", "not permitted", "not allowed", "spaces", "character",
                            "virus", "infected"});
    });
}

Meaning refused_login(const Reply& reply) {
    const int code = reply.code;
    if (says_full(reply)) {
        return session(StatusCode::unreachable);
    }
    if (code == 430 || code == 530 || code == 532 || code == 332) {
        return stream(StatusCode::authentication);
    }
    return code / 100 == 5 ? stream(StatusCode::configuration) : session(StatusCode::unreachable);
}

Meaning meaning_of(const Reply& reply, During during) {
    const int code = reply.code;
    if (during == During::login && code != 421) {
        return refused_login(reply);
    }
    switch (code) {
        case 421:
            return session(StatusCode::unreachable);
        case 425:
        case 426:
        case 522:  // of a data connection whose handshake has failed, for whatever reason
            return session(StatusCode::connection_lost);
        case 451:
            // A server that cannot write says so thus; of anything else it concerns that one file.
            return during == During::transfer ? session(StatusCode::no_space) : item(StatusCode::permission);
        case 452:
        case 552:
            return session(StatusCode::no_space);
        case 550:  // of what is not there, too: whoever looks must find that out
        case 551:
        case 553:
            return during != During::request && says_no_room(reply) ? session(StatusCode::no_space)
                                                                    : item(StatusCode::permission);
        case 450:
            return item(StatusCode::permission);
        case 521:
            return item(StatusCode::exists);
        case 530:  // the login has worked: it was lost, or is being mended
        case 532:
        case 533:
        case 534:
        case 535:
        case 536:
        case 537:
            return session(StatusCode::unreachable);
        default:
            break;
    }
    if (code / 100 == 5) {
        return item(StatusCode::unsupported);
    }
    return session(code / 100 == 4 ? StatusCode::unreachable : StatusCode::internal);
}

std::string text_of_failure(std::string_view doing, const Reply& reply) {
    std::string text(doing);
    text += ": the server says " + std::to_string(reply.code) + ' ' +
            (reply.lines.empty() ? std::string() : reply.lines.back());
    return printable(text);
}

}  // namespace

Status reply_failure(const Reply& reply, During during, std::string_view doing) {
    const Meaning meaning = meaning_of(reply, during);
    return {meaning.code, meaning.scope, text_of_failure(doing, reply), reply.code};
}

Status not_understood(const Reply& reply, std::string_view doing) {
    return {StatusCode::unsupported, StatusScope::item,
            text_of_failure(std::string(doing) + ": the answer is not understood", reply), reply.code};
}

Status session_failure(const Reply& reply, During during, std::string_view doing) {
    const Status status = reply_failure(reply, during, doing);
    return {status.code(), std::max(status.scope(), StatusScope::session), status.text(), reply.code};
}

}  // namespace mistamover::ftp
