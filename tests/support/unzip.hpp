// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.hpp"

namespace mistamover::test {

/// Extracts a zip file by a reader that is not the writer's; false where that finds fault with it.
inline bool unzip(const std::filesystem::path& zip, const std::filesystem::path& into) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::execlp("python3", "python3", TEST_UNZIP_SCRIPT, zip.c_str(), into.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return status == 0;
}

/// What is in each file below a directory, by its path; directories end in '/'.
inline std::map<std::string, std::string> contents_below(const std::filesystem::path& directory) {
    std::map<std::string, std::string> contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        const std::string path = entry.path().lexically_relative(directory).string();
        if (entry.is_directory()) {
            contents[path + '/'] = "";
        } else {
            contents[path] = read_file(entry.path());
        }
    }
    return contents;
}

}  // namespace mistamover::test
