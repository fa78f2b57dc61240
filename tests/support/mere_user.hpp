// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace mistamover::test {

/// As long as it lives root, to whom nothing is forbidden, is an ordinary user; whoever is one anyhow stays
/// himself. Of the whole process: for tests without other threads at the time.
class MereUser {
  public:
    /// Whom root becomes.
    static constexpr uid_t id = 65534;

    MereUser() {
        if (is_root_ && ::seteuid(id) != 0) {
            throw std::system_error(errno, std::generic_category(), "seteuid");
        }
    }
    ~MereUser() {
        if (is_root_) {
            (void)!::seteuid(0);
        }
    }
    MereUser(const MereUser&) = delete;
    MereUser& operator=(const MereUser&) = delete;

  private:
    bool is_root_ = ::geteuid() == 0;
};

}  // namespace mistamover::test
