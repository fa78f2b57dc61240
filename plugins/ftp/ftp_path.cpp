// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_path.hpp"

#include <algorithm>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {

bool can_carry(std::string_view path) {
    return path.find_first_of("\r\n") == std::string_view::npos;
}

Status cannot_carry(std::string_view path) {
    std::string shown(path);
    std::replace_if(
        shown.begin(), shown.end(), [](char c) { return c == '\r' || c == '\n'; }, '?');
    return {StatusCode::unsupported, StatusScope::item,
            "FTP cannot carry a name with a line break in it: " + shown};
}

std::string command_with_path(std::string_view verb, std::string_view path, const NameRules& names) {
    if (!can_carry(path)) {
        throw StatusError(cannot_carry(path));
    }
    std::string command(verb);
    command += ' ';
    // An option, a home directory, or one blank more behind the verb.
    if (path.empty() || path.front() == '-' || path.front() == '~' || path.front() == ' ') {
        command += "./";
    }
    for (const char c : path) {
        command += c;
        if (c == '\xff' && names.doubles_iac) {
            command += c;
        }
    }
    return command;
}

std::string join(std::string_view directory, std::string_view name) {
    std::string path(directory);
    if (!path.empty()) {
        path += '/';
    }
    path += name;
    return path;
}

}  // namespace mistamover::ftp
