// SPDX-License-Identifier: BSD-3-Clause
#include "files/digest.hpp"

#include <Poco/Crypto/DigestEngine.h>
#include <Poco/Crypto/OpenSSLInitializer.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

[[noreturn]] void fail(int error, const std::string& path) {
    errno = error;
    process::throw_errno(path);
}

// Without O_NONBLOCK, opening a pipe that has taken the name would wait for its writer. With it, a file that
// somebody has a lease on is refused until the lease is given back, which the first opening asks for.
process::UniqueFd open_file(int directory_fd, const std::string& path,
                            const std::function<bool()>& cancelled) {
    constexpr auto pause = std::chrono::milliseconds{10};
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    process::UniqueFd file(::openat(directory_fd, path.c_str(), flags));
    while (!file.valid() && errno == EWOULDBLOCK) {
        if (cancelled()) {
            fail(ECANCELED, path);
        }
        std::this_thread::sleep_for(pause);
        file.reset(::openat(directory_fd, path.c_str(), flags));
    }
    struct stat info {};
    if (!file.valid() || ::fstat(file.get(), &info) != 0) {
        process::throw_errno(path);
    }
    if (!S_ISREG(info.st_mode)) {
        fail(S_ISDIR(info.st_mode) ? EISDIR : EINVAL, path);
    }
    return file;
}

}  // namespace

std::string digest_of(int directory_fd, const std::string& path, std::uint64_t size,
                      const std::string& algorithm, const std::function<bool()>& cancelled) {
    const process::UniqueFd file = open_file(directory_fd, path, cancelled);
    // An engine that finds no other one about gathers random numbers for OpenSSL, which takes longer than a
    // small file's digest.
    static const Poco::Crypto::OpenSSLInitializer initialised;
    Poco::Crypto::DigestEngine engine(algorithm);
    std::array<char, 256UL * 1024> buffer;
    ssize_t length = 1;
    while (length > 0 && size > 0) {
        if (cancelled()) {
            fail(ECANCELED, path);
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
