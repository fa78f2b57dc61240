// SPDX-License-Identifier: BSD-3-Clause
#include "files/digest.hpp"

#include <Poco/Crypto/DigestEngine.h>
#include <Poco/Crypto/OpenSSLInitializer.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::files {

std::string digest_of(int directory_fd, const std::string& path, std::uint64_t size,
                      const std::string& algorithm, const std::function<bool()>& cancelled) {
    const process::UniqueFd file(::openat(directory_fd, path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    // An engine that finds no other one about gathers random numbers for OpenSSL, which takes longer than a
    // small file's digest.
    static const Poco::Crypto::OpenSSLInitializer initialised;
    Poco::Crypto::DigestEngine engine(algorithm);
    std::array<char, 256UL * 1024> buffer;
    ssize_t length = file.valid() ? 1 : -1;
    while (length > 0 && size > 0) {
        if (cancelled()) {
            errno = ECANCELED;
            process::throw_errno(path);
        }
        length = ::read(file.get(), buffer.data(), std::min<std::uint64_t>(size, buffer.size()));
        if (length < 0 && errno == EINTR) {
            length = 1;
        } else if (length > 0) {
            engine.update(buffer.data(), static_cast<std::size_t>(length));
            size -= static_cast<std::uint64_t>(length);
        }
    }
    if (length < 0) {
        process::throw_errno(path);
    }
    return Poco::DigestEngine::digestToHex(engine.digest());
}

}  // namespace mistamover::files
