// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "plugin_host/schema_query.hpp"

namespace mistamover::cli {

/// `plugins list`: every libmistamover-*.so of the search path and of the built-in directory with name,
/// version, summary and file, and those that cannot be used with the reason. Of several with one name the
/// first is the one that a stream gets; the others are marked. Each is loaded in a child process. Returns the
/// exit code, 0.
int plugins_list(const std::vector<std::filesystem::path>& plugin_path, std::ostream& out, std::ostream& err,
                 const plugin_host::QueryChild& child = {});

/// `plugins info NAME` (or the absolute path of a library): version, file, capabilities, and the options as a
/// table. Returns the exit code: 2, with the reason on `err`, where there is no such plugin or it cannot be
/// used.
int plugins_info(const std::string& name, const std::vector<std::filesystem::path>& plugin_path,
                 std::ostream& out, std::ostream& err, const plugin_host::QueryChild& child = {});

}  // namespace mistamover::cli
