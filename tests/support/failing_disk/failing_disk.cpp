// SPDX-License-Identifier: BSD-3-Clause
// A library to be preloaded: the disk fails with EIO. As long as the file $FAILING_DISK is there, what it
// says cannot be done: "write content" or "write directories" out; of the monitor's journal, "write receipts"
// out, "publish receipts", "read data", "take data" or "deliver data"; "write delivered", what is not in that
// journal, out; "replace delivered", by what is in it, or "keep either", which is both; or "list stream", a
// directory whose name ends in ".in". With "lose large data" the journal's data of more than 1000 bytes
// cannot be written out, but to write the whole file system out does not tell of it, as where the kernel has
// told of it before. With "find memory" it is ENOMEM, for writing directories out.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <string_view>
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

std::string name_of(int fd) {
    std::array<char, 4096> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = ::readlink(link.c_str(), path.data(), path.size() - 1);
    return {path.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

bool is_in_journal(int fd, std::string_view extension) {
    const std::string name = name_of(fd);
    return name.find("/.mistamover-arrivals/") != std::string::npos && name.ends_with(extension);
}

bool is_large(int fd) {
    constexpr off_t large = 1000;
    struct stat info {};
    return ::fstat(fd, &info) == 0 && info.st_size > large;
}

// What the kernel tells of a file by itself.
bool is_lost(int fd) {
    return (is_in_journal(fd, ".data") && is_large(fd) && fails("lose large data")) ||
           (!is_directory(fd) && !is_in_journal(fd, "") &&
            (fails("write delivered") || fails("keep either")));
}

// Nothing else is renamed from or to such a name.
bool is_journal_data(const char* name) {
    return std::string_view(name).ends_with(".data");
}

bool is_journal_receipt(const char* name) {
    const std::string_view text(name);
    return text.ends_with(".receipt") && text.find_first_not_of("0123456789") == text.find('.');
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
    if (is_directory(fd) && fails("find memory")) {
        errno = ENOMEM;
        return -1;
    }
    const bool refused = fails(is_directory(fd) ? "write directories" : "write content") ||
                         (is_in_journal(fd, ".receipt") && fails("write receipts")) || is_lost(fd);
    return refused ? refuse<int>() : static_cast<int>(::syscall(SYS_fsync, fd));
}

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
    return is_lost(fd) ? refuse<int>()
                       : static_cast<int>(::syscall(SYS_sync_file_range, fd, offset, count, flags));
}

int syncfs(int fd) noexcept {
    return fails("write content") ? refuse<int>() : static_cast<int>(::syscall(SYS_syncfs, fd));
}

ssize_t read(int fd, void* to, std::size_t size) {
    return is_in_journal(fd, ".data") && fails("read data") ? refuse<ssize_t>()
                                                            : ::syscall(SYS_read, fd, to, size);
}

int renameat(int from_directory, const char* from, int to_directory, const char* to) noexcept {
    const bool refused = (is_journal_data(to) && fails("take data")) ||
                         (is_journal_receipt(from) && fails("publish receipts"));
    return refused ? refuse<int>()
                   : static_cast<int>(::syscall(SYS_renameat, from_directory, from, to_directory, to));
}

int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) noexcept {
    const bool is_exchanged = (flags & RENAME_EXCHANGE) != 0;
    const bool refused = (is_journal_data(from) && fails("deliver data")) ||
                         (is_exchanged && (fails("replace delivered") || fails("keep either"))) ||
                         (is_journal_receipt(from) && fails("publish receipts"));
    return refused
               ? refuse<int>()
               : static_cast<int>(::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

DIR* fdopendir(int fd) {
    if (fails("list stream") && name_of(fd).ends_with(".in")) {
        errno = EIO;
        return nullptr;
    }
    using Function = DIR* (*)(int);
    static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fdopendir"));
    return real(fd);
}

#pragma GCC visibility pop
}
