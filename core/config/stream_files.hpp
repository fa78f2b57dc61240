// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/load.hpp"

namespace mistamover::config {

struct StreamFile {
    std::filesystem::path file;
    std::string stem;  ///< By which the stream is known as long as it has no other name.
};

/// The streams' files: those that `global.data_stream_list` names, in its order, or every *.yaml in
/// `global.config_dir`, by name. `result.global` has the settings, made from the `global` file; what is wrong
/// there is reported in `result`. Opens none of the files.
std::vector<StreamFile> stream_files(const Document& global, Configuration& result);

}  // namespace mistamover::config
