// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <mistamover/leftovers.hpp>
#include <mistamover/source_file.hpp>

#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// Where to go on with a leftover: not where it ends, but some way back, which is sent again. 0 where it must
/// be sent from its start, because it is not of this very source, or is not what it should be: its last MiB
/// before that place, and, where the server computes no checksums, some pieces elsewhere, are read back and
/// compared. Throws StatusError where the connection fails, or the server lets nobody look for the moment.
std::uint64_t offset_to_resume(Tools tools, const Leftover& leftover, SourceFile& source);

/// ok, or `corrupt` where the server can compute a digest of what it has put together, and it is not the
/// source's; where it says that it can and then does not, some pieces are compared. Throws as
/// offset_to_resume.
Status check_resumed(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size);

}  // namespace mistamover::ftp
