// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_mark.hpp"

#include <fcntl.h>
#include <system_error>

#include "process/unique_fd.hpp"

namespace mistamover::stream {

bool TargetMark::is_set() const {
    std::error_code ignored;
    return std::filesystem::exists(path_, ignored);
}

void TargetMark::set() noexcept {
    if (!set_) {
        const process::UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        set_ = file.valid();
    }
}

void TargetMark::clear() noexcept {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
    set_ = false;
}

}  // namespace mistamover::stream
