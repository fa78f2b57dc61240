// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <doctest/doctest.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace mistamover::test {

/// For as long as it lives nobody may look into the directory. Where the test is run by root, to whom nothing
/// is forbidden, it is somebody else meanwhile.
class ClosedDirectory {
  public:
    explicit ClosedDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {
        REQUIRE(::chmod(directory_.c_str(), 0) == 0);
        if (is_root_) {
            REQUIRE(::seteuid(nobody) == 0);
        }
    }
    ~ClosedDirectory() {
        if (is_root_) {
            (void)!::seteuid(0);
        }
        (void)::chmod(directory_.c_str(), S_IRWXU);
    }
    ClosedDirectory(const ClosedDirectory&) = delete;
    ClosedDirectory& operator=(const ClosedDirectory&) = delete;

  private:
    static constexpr uid_t nobody = 65534;
    const bool is_root_ = ::geteuid() == 0;
    std::filesystem::path directory_;
};

}  // namespace mistamover::test
