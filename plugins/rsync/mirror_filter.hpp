// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <mistamover/border.hpp>

namespace mistamover::rsync {

/// The rules of --exclude-from with --from0 by which rsync neither sends nor deletes what the request
/// excludes, nor anything whose top-level name begins with a dot.
std::string filter_rules(const MirrorRequest& request);

}  // namespace mistamover::rsync
