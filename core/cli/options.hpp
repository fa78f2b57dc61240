// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <boost/program_options.hpp>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.hpp"

namespace mistamover::cli {

/// Parses a verb's arguments: its options, and up to `most` words besides, which are put in "words". Prints
/// the help and returns nothing where --help was asked for. Throws UsageError.
inline std::optional<boost::program_options::variables_map> parse_options(
    const std::vector<std::string>& arguments, const std::string& usage,
    boost::program_options::options_description options, std::size_t most,
    const boost::program_options::options_description& not_in_help = {}) {
    namespace po = boost::program_options;
    options.add_options()("help,h", "this text");
    po::options_description hidden = options;
    hidden.add(not_in_help);
    hidden.add_options()("words", po::value<std::vector<std::string>>()->default_value({}, ""));
    po::positional_options_description words;
    words.add("words", -1);
    po::variables_map found;
    try {
        po::store(po::command_line_parser(arguments).options(hidden).positional(words).run(), found);
    } catch (const po::error& error) {
        throw UsageError(error.what());
    }
    if (found.contains("help")) {
        std::cout << "usage: " << usage << "\n\n" << options;
        return std::nullopt;
    }
    const auto& given = found["words"].as<std::vector<std::string>>();
    if (given.size() > most) {
        throw UsageError("`" + given[most] + "` is too much; usage: " + usage);
    }
    return found;
}

}  // namespace mistamover::cli
