// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace mistamover::process {

/// Has this process, and what it starts, leave no core, in which passwords would stand: neither as a file
/// nor, unless the hard limit is 0, with a handler that the kernel pipes cores to. Whoever wants one
/// nevertheless can allow it while the process runs: prlimit --core=unlimited --pid PID.
void leave_no_core() noexcept;

}  // namespace mistamover::process
