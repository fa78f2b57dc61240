// SPDX-License-Identifier: BSD-3-Clause
#include "files/digest.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <openssl/evp.h>
#include <string_view>
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

// Every result is looked at: of what OpenSSL refuses it has a digest even so, the same one for all files.
class EvpDigest {
  public:
    explicit EvpDigest(const std::string& algorithm) : algorithm_(algorithm), state_(EVP_MD_CTX_new()) {
        must(EVP_DigestInit_ex(state_.get(), EVP_get_digestbyname(algorithm.c_str()), nullptr));
    }
    void feed(const char* data, std::size_t length) { must(EVP_DigestUpdate(state_.get(), data, length)); }
    // Ends the object's use.
    std::string hexadecimal() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
        unsigned length = 0;
        must(EVP_DigestFinal_ex(state_.get(), bytes.data(), &length));
        constexpr std::string_view digits = "0123456789abcdef";
        std::string text;
        for (unsigned index = 0; index < length; ++index) {
            text += digits[bytes.at(index) >> 4U];
            text += digits[bytes.at(index) & 15U];
        }
        return text;
    }

  private:
    struct Free {
        void operator()(EVP_MD_CTX* state) const noexcept { EVP_MD_CTX_free(state); }
    };

    void must(int result) const {
        if (result != 1) {
            throw DigestRefused("this machine's OpenSSL refuses to compute " + algorithm_);
        }
    }

    std::string algorithm_;
    std::unique_ptr<EVP_MD_CTX, Free> state_;
};

}  // namespace

std::string digest_of(int directory_fd, const std::string& path, std::uint64_t size,
                      const std::string& algorithm, const std::function<bool()>& cancelled) {
    const process::UniqueFd file = open_file(directory_fd, path, cancelled);
    EvpDigest digest(algorithm);
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
            digest.feed(buffer.data(), static_cast<std::size_t>(length));
            size -= static_cast<std::uint64_t>(length);
        }
    }
    if (length < 0) {
        process::throw_errno(path);
    }
    return digest.hexadecimal();
}

}  // namespace mistamover::files
