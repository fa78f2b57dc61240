// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "process/event_loop.hpp"

namespace mistamover::supervisor {

/// Tells when anything is mounted, unmounted or moved.
class MountWatch {
  public:
    /// `loop` must outlive the object.
    MountWatch(process::EventLoop& loop, std::function<void()> on_change);
    ~MountWatch();
    MountWatch(const MountWatch&) = delete;
    MountWatch& operator=(const MountWatch&) = delete;

  private:
    process::EventLoop& loop_;
    process::UniqueFd mounts_;
};

}  // namespace mistamover::supervisor
