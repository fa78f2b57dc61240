// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/keys.hpp"
#include "config/layers.hpp"

namespace mistamover::config {

/// The sections that may stand in a file, and those whose keys cannot be known.
struct KnownSections {
    Sections sections;
    std::vector<std::string> unchecked;
};

/// Reports unknown sections and keys of a file, with the nearest that is known. `stream` as in Problem.
void check_names(const Document& document, const KnownSections& known, const std::string& stream,
                 std::vector<Problem>& problems);

/// Reports what in a stream's file belongs in the global one.
void check_not_global(const Document& document, const std::string& stream, std::vector<Problem>& problems);

/// Reports overrides that override nothing, as problems of `file`.
void check_overrides(const std::vector<Override>& overrides, const KnownSections& known,
                     const std::filesystem::path& file, std::vector<Problem>& problems);

/// Reports, once, a secret in a file that others may read.
void check_secret_file(const Document& document, const Sections& sections, const std::string& stream,
                       std::vector<Problem>& problems);

/// Reports values of the global file that are wrong whatever stream uses them.
void check_raw_values(const Document& document, const Sections& sections, std::vector<Problem>& problems);

}  // namespace mistamover::config
