// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include <mistamover/source_file.hpp>

#include "sftp/pieces.hpp"
#include "sftp/server.hpp"

namespace mistamover::sftp {

/// How it is found out that two handles are one file at a server: some empty a file that is opened to be
/// written, and others keep a copy for each handle until it is closed.

/// Read back in one request, which every server takes.
inline constexpr std::size_t compared_at_once = 32768;

/// Whether the source has something else than zeros there: what is lost of a file reads as these.
bool is_telling(SourceFile& source, const Piece& piece);

/// Whether the open file holds there what the source does. Throws StatusError where the connection fails.
bool holds(Server& server, const std::string& handle, SourceFile& source, const Piece& piece);

/// 0 where the server does not tell. Throws StatusError where the connection fails.
std::uint64_t size_of(Server& server, const std::string& handle);

}  // namespace mistamover::sftp
