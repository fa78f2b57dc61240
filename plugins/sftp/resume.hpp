// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <mistamover/leftovers.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/server.hpp"

namespace mistamover::sftp {

/// A leftover that has been opened again, to be written from `offset` on.
struct Resumed {
    std::string handle;
    std::uint64_t offset = 0;
};

/// Opens a leftover of this very source. Nothing where it is not there, or is not what it should be: besides
/// its size, some bytes of every MiB before the offset, and all of the last one, are read back and compared
/// with the source, to notice what a server that went down has lost. Throws StatusError where the connection
/// fails.
std::optional<Resumed> resume(Server& server, const Leftover& leftover, SourceFile& source);

}  // namespace mistamover::sftp
