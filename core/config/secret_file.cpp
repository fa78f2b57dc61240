// SPDX-License-Identifier: BSD-3-Clause
#include "config/secret_file.hpp"

#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

#include "config/keys.hpp"

namespace mistamover::config {
namespace {

std::string first_line(const std::string& file) {
    std::ifstream input(file, std::ios::binary);
    std::string line;
    std::getline(input, line);
    if (line.ends_with('\r')) {
        line.pop_back();
    }
    return line;
}

}  // namespace

std::string secret_file_problem(const std::string& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) {
        return "names a file that is not there, or cannot be looked at: " + shown(file);
    }
    if (!S_ISREG(info.st_mode)) {
        return "names something that is not a file: " + shown(file);
    }
    if ((info.st_mode & 077U) != 0) {
        return "holds a secret, but others than its owner may use the file: chmod 600 " + shown(file);
    }
    return "";
}

void take_password_from_file(const std::string& section,
                             std::map<std::string, std::vector<std::string>>& options) {
    const auto found = options.extract("password_file");
    if (found.empty() || found.mapped().empty()) {
        return;
    }
    const std::string& file = found.mapped().front();
    std::string problem = secret_file_problem(file);
    const std::string password = problem.empty() ? first_line(file) : "";
    if (problem.empty() && (password.empty() || password.find('\0') != std::string::npos)) {
        problem = "names a file that has no password in its first line, or cannot be read: " + shown(file);
    }
    if (!problem.empty()) {
        throw std::runtime_error("`" + section + ".password_file` " + problem);
    }
    options["password"] = {password};
}

}  // namespace mistamover::config
