// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/own_files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover::rsync {
namespace {

[[noreturn]] void fail_here(int error_number, const std::string& doing) {
    throw StatusError(status_from_errno(error_number, doing + " on this machine").of_session());
}

}  // namespace

void write_own_file(const std::string& path, const std::string& content) {
    ::unlink(path.c_str());
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        fail_here(errno, "make " + path);
    }
    const ssize_t written = ::write(fd, content.data(), content.size());
    const int error = written < 0 ? errno : ENOSPC;
    ::close(fd);
    if (written != static_cast<ssize_t>(content.size())) {
        fail_here(error, "write " + path);
    }
}

std::optional<std::string> read_own_file(const std::filesystem::path& path) {
    std::error_code not_there;
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(path, not_there))) {
        return std::nullopt;
    }
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    if (file.peek() != std::ifstream::traits_type::eof()) {
        content << file.rdbuf();
    }
    if (!file.is_open() || file.bad() || !content) {
        fail_here(EIO, "read " + path.string());
    }
    return content.str();
}

void make_own_directory(const std::string& path) {
    if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        fail_here(errno, "make " + path);
    }
}

void make_empty_directory(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) {
        fail_here(error.value(), "empty " + path.string());
    }
    make_own_directory(path.string());
}

}  // namespace mistamover::rsync
