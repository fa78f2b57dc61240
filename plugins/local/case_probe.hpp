// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <optional>
#include <sys/types.h>
#include <utility>

#include "local/local_options.hpp"

namespace mistamover::local {

/// Finds out whether the target directory tells names apart that differ in case alone, once for as long as it
/// is the same directory: a disk may be mounted there. Safe from several threads; no file is put before it
/// has answered.
class CaseProbe {
  public:
    /// False too where that cannot be told.
    bool tells_apart(const LocalOptions& options);

  private:
    std::mutex mutex_;
    std::optional<bool> tells_apart_;
    std::pair<dev_t, ino_t> directory_{};  ///< That it was told of.
};

}  // namespace mistamover::local
