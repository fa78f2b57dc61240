// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace mistamover::cli {

/// A command line that cannot be understood; exit code 2.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The verbs: each takes what follows its name, prints, and returns the exit code.
int run(const std::vector<std::string>& arguments);
int status(const std::vector<std::string>& arguments);
int plugins(const std::vector<std::string>& arguments);
int config(const std::vector<std::string>& arguments);

}  // namespace mistamover::cli
