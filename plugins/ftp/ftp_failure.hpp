// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <mistamover/status.hpp>

#include "ftp/ftp_reply.hpp"

namespace mistamover::ftp {

/// What the server was doing when it gave a failure reply: the same number means different things.
enum class During { login, transfer, request };

/// The Status of a reply that is not what was hoped for. `doing` says what was tried ("rename to a/b").
Status reply_failure(const Reply& reply, During during, std::string_view doing);

/// The same of what no single item is to blame for: of session scope at least.
Status session_failure(const Reply& reply, During during, std::string_view doing);

}  // namespace mistamover::ftp
