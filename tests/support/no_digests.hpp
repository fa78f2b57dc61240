// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>

namespace mistamover::test {

/// As long as it lives, OpenSSL refuses to compute any digest in this process, as it does some where FIPS is
/// in force.
class NoDigests {
  public:
    NoDigests() { REQUIRE(EVP_set_default_properties(nullptr, "fips=yes") == 1); }
    ~NoDigests() { (void)EVP_set_default_properties(nullptr, ""); }
    NoDigests(const NoDigests&) = delete;
    NoDigests& operator=(const NoDigests&) = delete;
};

}  // namespace mistamover::test
