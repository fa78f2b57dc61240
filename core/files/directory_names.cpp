// SPDX-License-Identifier: BSD-3-Clause
#include "files/directory_names.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <utility>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::files {

DirectoryReader::DirectoryReader(int directory_fd, const std::string& path, std::string what)
    : what_(std::move(what)) {
    process::UniqueFd fd(
        ::openat(directory_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) {
        process::throw_errno(what_);
    }
    directory_.reset(::fdopendir(fd.get()));
    if (!directory_) {
        process::throw_errno(what_);
    }
    (void)fd.release();
}

std::optional<std::string> DirectoryReader::next() {
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(directory_.get());  // NOLINT(concurrency-mt-unsafe): own stream
        if (entry == nullptr) {
            if (errno != 0) {
                process::throw_errno(what_);
            }
            return std::nullopt;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            return std::string(name);
        }
    }
}

std::vector<std::string> directory_names(int directory_fd, const std::string& path, const std::string& what) {
    DirectoryReader reader(directory_fd, path, what);
    std::vector<std::string> names;
    while (std::optional<std::string> name = reader.next()) {
        names.push_back(std::move(*name));
    }
    return names;
}

}  // namespace mistamover::files
