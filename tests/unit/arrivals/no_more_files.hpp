// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <system_error>

namespace mistamover::test {

/// As long as it lives, no thread of this process can open a file.
class NoMoreFiles {
  public:
    NoMoreFiles() {
        meet(std::system_error(EMFILE, std::generic_category()));
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual_) == 0);
        const rlimit none{0, usual_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &usual_); }
    NoMoreFiles(const NoMoreFiles&) = delete;
    NoMoreFiles& operator=(const NoMoreFiles&) = delete;

  private:
    // UBSan needs descriptors to look at an object of a type that it has not met before.
    static void meet(const std::system_error& error) { REQUIRE(error.code()); }

    rlimit usual_{};
};

}  // namespace mistamover::test
