// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/mount_watch.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

namespace mistamover::supervisor {

MountWatch::MountWatch(process::EventLoop& loop, std::function<void()> on_change)
    : loop_(loop), mounts_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {
    if (mounts_.valid()) {
        loop_.watch(mounts_.get(), EPOLLPRI,
                    [on_change = std::move(on_change)](std::uint32_t) { on_change(); });
    }
}

MountWatch::~MountWatch() {
    if (mounts_.valid()) {
        loop_.unwatch(mounts_.get());
    }
}

}  // namespace mistamover::supervisor
