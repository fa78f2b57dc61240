// SPDX-License-Identifier: BSD-3-Clause
#include "process/open_files.hpp"

#include <sys/resource.h>

namespace mistamover::process {

void allow_many_files() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace mistamover::process
