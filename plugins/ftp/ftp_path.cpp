// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_path.hpp"

#include <algorithm>
#include <cctype>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

bool is_control(char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

bool can_carry(std::string_view path) {
    return path.find_first_of("\r\n") == std::string_view::npos;
}

Status cannot_carry(std::string_view path) {
    return {StatusCode::unsupported, StatusScope::item,
            "FTP cannot carry a name with a line break in it: " + printable(path)};
}

bool has_byte_255(std::string_view path) {
    return path.find('\xff') != std::string_view::npos;
}

std::string printable(std::string_view text) {
    std::string shown(text);
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return shown;
}

bool is_shown_as(std::string_view path, std::string_view shown) {
    const auto last = [](std::string_view whole) {
        std::string name(name_of(whole));
        // Some double the byte 255 in what they say, too.
        for (std::size_t at = 0; (at = name.find("\xff\xff", at)) != std::string::npos; ++at) {
            name.erase(at, 1);
        }
        return name;
    };
    return last(path) == last(shown);
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

std::string_view parent_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
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
