// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/stopped_mark.hpp"

#include <fstream>
#include <system_error>

namespace mistamover::supervisor {

StoppedMark::StoppedMark(const std::filesystem::path& work_dir) : file_(work_dir / "stopped") {}

bool StoppedMark::is_set() const {
    std::error_code ignored;
    return std::filesystem::exists(file_, ignored);
}

void StoppedMark::set() const {
    const std::ofstream made(file_);
}

void StoppedMark::remove() const {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
}

void StoppedMark::remove_all(const std::filesystem::path& work_dirs) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(work_dirs, error)) {
        StoppedMark(entry.path()).remove();
    }
}

}  // namespace mistamover::supervisor
