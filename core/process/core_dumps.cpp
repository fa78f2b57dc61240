// SPDX-License-Identifier: BSD-3-Clause
#include "process/core_dumps.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace mistamover::process {

void leave_no_core() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_CORE, &limit) == 0) {
        // Too small for any core file. Where the kernel pipes cores to a handler it heeds no other limit than
        // this one, not even 0: for 1 it starts none.
        limit.rlim_cur = std::min<rlim_t>(1, limit.rlim_max);
        ::setrlimit(RLIMIT_CORE, &limit);
    }
}

}  // namespace mistamover::process
