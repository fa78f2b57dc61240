// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ftp/ftp_tools.hpp"

/// Temporary files by which something is tried out.
namespace mistamover::ftp {

/// The reply to such a STOR.
Reply store(Tools tools, const std::string& command, std::string_view content = {});
Reply store_at(Tools tools, std::string_view path, std::string_view content = {});
void remove_trial(Tools tools, std::string_view path);
void make_temp_dir(Tools tools);

/// Whether it will always be so for that name: not for want of space, of a connection or of luck.
bool is_for_good(const Status& refusal);
bool refuses_for_good(const Reply& stored);
/// The Status of such a refusal where the name is not to blame.
Status store_failure(const Reply& stored);

/// A name in the target directory itself. Always the same, so that a server that lets nobody remove it keeps
/// one file.
std::string path_beside(Tools tools);
/// Whether a file can be made there, or lies there and may not be replaced.
bool can_store_beside(Tools tools);
/// Whether a plain name can be stored where others are tried out.
bool can_store(Tools tools);

/// The command that asks for a file's size, and what its reply tells.
const char* size_command(const ModuleState& shared);
std::optional<std::uint64_t> told_size(const Reply& reply);
bool has_size(Tools tools, const std::string& path);

}  // namespace mistamover::ftp
