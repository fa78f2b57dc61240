// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Leaves the terminal: the caller goes on in a new session, in a child, while the process that was started
/// waits until that child reports, and exits with the code reported. Call it before any thread is started.
class Detach {
  public:
    Detach();
    /// 0: the daemon runs; its standard streams go to /dev/null from now on. Anything else: why it could not
    /// start, which was printed. Once only.
    void report(int exit_code);

  private:
    process::UniqueFd parent_;
};

}  // namespace mistamover::supervisor
