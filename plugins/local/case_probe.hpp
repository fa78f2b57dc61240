// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <optional>

#include "local/local_options.hpp"

namespace mistamover::local {

/// Finds out once whether the target directory tells names apart that differ in case alone. Safe from several
/// threads; no file is put before it has answered.
class CaseProbe {
  public:
    /// False too where that cannot be told.
    bool tells_apart(const LocalOptions& options);

  private:
    std::mutex mutex_;
    std::optional<bool> tells_apart_;
};

}  // namespace mistamover::local
