// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <mistamover/border.hpp>

namespace mistamover::rsync {

/// The rules of --exclude-from with --from0 by which rsync neither sends nor deletes what the request
/// excludes, nor anything whose top-level name begins with a dot. Its last rule includes all else: followed
/// by one that excludes everything, a list that was cut short has rsync send and delete less, never more.
std::string filter_rules(const MirrorRequest& request);

/// The rules of --filter="merge -" with --from0 by which rsync, told behind them to protect everything,
/// deletes nothing but what is at one of these very paths.
std::string removal_rules(std::span<const std::string_view> paths);

}  // namespace mistamover::rsync
