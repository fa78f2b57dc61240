// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// Sends the standard streams to /dev/null and leaves the current directory, which so keep nothing in use.
void let_go_of_terminal();

/// Has children open /dev/null in place of the standard streams, while the caller can still say what is
/// wrong.
void keep_terminal_from_children();

/// Leaves the terminal: the caller goes on in a new session, in a child, while the process that was started
/// waits until that child reports, and exits with the code reported. Nothing else that was open stays so, and
/// nothing that is started keeps the standard streams. Call it before any thread is started.
class Detach {
  public:
    Detach();
    /// 0: the daemon runs, and let_go_of_terminal was called. Anything else: why it could not
    /// start, which was printed. Once only.
    void report(int exit_code);

  private:
    process::UniqueFd parent_;
};

}  // namespace mistamover::supervisor
