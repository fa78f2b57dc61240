// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace mistamover::files {

/// OpenSSL refuses to compute digests of this kind, whatever the file: where FIPS is in force, "md5".
class DigestRefused : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The lower-case hexadecimal digest of the file's first `size` bytes, or of all where there are fewer:
/// "md5", "sha256" or "blake2b512". Follows no link, and waits for nobody but the holder of a lease on the
/// file. Throws std::system_error where the file cannot be read or is no regular file, and with ECANCELED
/// once `cancelled`, which is asked all the time, says so; DigestRefused, whose text names the algorithm.
std::string digest_of(int directory_fd, const std::string& path, std::uint64_t size,
                      const std::string& algorithm, const std::function<bool()>& cancelled);

}  // namespace mistamover::files
