// SPDX-License-Identifier: BSD-3-Clause
#include "process/core_dumps.hpp"

#include <sys/resource.h>

namespace mistamover::process {

void leave_no_core() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        ::setrlimit(RLIMIT_CORE, &limit);
    }
}

}  // namespace mistamover::process
