// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <mistamover/status.hpp>

#include "ftp/ftp_reply.hpp"

namespace mistamover::ftp {

/// What the server was doing when it gave a failure reply: the same number means different things. `change`:
/// a request by which something is to be made or removed, which may take room.
enum class During { login, transfer, change, request };

/// The Status of a reply that is not what was hoped for. `doing` says what was tried ("rename to a/b").
Status reply_failure(const Reply& reply, During during, std::string_view doing);

/// The Status of a reply that reports success without saying what was asked for, or not in a form that is
/// understood: an item's, for it cannot be told.
Status not_understood(const Reply& reply, std::string_view doing);

/// The same as reply_failure of what no single item is to blame for: of session scope at least.
Status session_failure(const Reply& reply, During during, std::string_view doing);

}  // namespace mistamover::ftp
