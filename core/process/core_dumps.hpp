// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace mistamover::process {

/// Has this process, and what it starts, leave no core file, in which passwords would stand. Whoever wants
/// one nevertheless can allow it while the process runs: prlimit --core=unlimited --pid PID.
void leave_no_core() noexcept;

}  // namespace mistamover::process
