// SPDX-License-Identifier: BSD-3-Clause
// A library to be preloaded: the disk fails with EIO. As long as the file $FAILING_DISK is there, what it
// says cannot be done: "write content" or "write directories" out, or "read data" of the monitor's journal.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

bool fails(const char* what) {
    const char* const path = std::getenv("FAILING_DISK");
    std::FILE* const file = path == nullptr ? nullptr : std::fopen(path, "re");
    std::array<char, 64> said{};
    if (file != nullptr) {
        (void)std::fgets(said.data(), said.size(), file);
        std::fclose(file);
    }
    return std::strcmp(said.data(), what) == 0;
}

bool is_directory(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_journal_data(int fd) {
    std::array<char, 4096> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size() - 1);
    const std::string name(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return name.find("/.mistamover-arrivals/") != std::string::npos && name.ends_with(".data");
}

template <typename Result>
Result refuse() {
    errno = EIO;
    return -1;
}

}  // namespace

// What the program calls, instead of the C library's functions of these names.
extern "C" {
#pragma GCC visibility push(default)

int fsync(int fd) {
    return fails(is_directory(fd) ? "write directories" : "write content")
               ? refuse<int>()
               : static_cast<int>(::syscall(SYS_fsync, fd));
}

int syncfs(int fd) noexcept {
    return fails("write content") ? refuse<int>() : static_cast<int>(::syscall(SYS_syncfs, fd));
}

ssize_t read(int fd, void* to, std::size_t size) {
    return is_journal_data(fd) && fails("read data") ? refuse<ssize_t>() : ::syscall(SYS_read, fd, to, size);
}

#pragma GCC visibility pop
}
