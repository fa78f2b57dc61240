// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include <mistamover/status.hpp>

namespace mistamover::ftp {

/// How a server reads the names in commands.
struct NameRules {
    /// The byte 255 stands for itself only where it is doubled, as TELNET wants it. Not every server knows.
    bool doubles_iac = true;
};

/// Whether FTP can carry a path at all: a CR or LF would end the command.
bool can_carry(std::string_view path);
/// The Status for one that it cannot (`unsupported`, item scope).
Status cannot_carry(std::string_view path);

/// Whether it has the byte 255 in it, which not every server reads alike: see NameRules.
bool has_byte_255(std::string_view path);

/// The text with a question mark for each control character.
std::string printable(std::string_view text);
/// Whether what a server calls `shown`, with or without a path, has the name of `path`.
bool is_shown_as(std::string_view path, std::string_view shown);

/// `VERB path` as it goes over the control connection, without the line's end: a path that a server
/// might take for something else begins with "./". An empty path is
/// the present directory. Throws StatusError of cannot_carry.
std::string command_with_path(std::string_view verb, std::string_view path, const NameRules& names = {});

/// The path without its last part, and that part; of a path of one part, "" and that.
std::string_view parent_of(std::string_view path);
std::string_view name_of(std::string_view path);
/// `directory/name`, or `name` where there is no directory.
std::string join(std::string_view directory, std::string_view name);

}  // namespace mistamover::ftp
