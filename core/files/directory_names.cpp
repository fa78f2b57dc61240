// SPDX-License-Identifier: BSD-3-Clause
#include "files/directory_names.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>

#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

}  // namespace

std::vector<std::string> directory_names(int directory_fd, const std::string& path, const std::string& what) {
    process::UniqueFd fd(
        ::openat(directory_fd, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd.valid()) {
        process::throw_errno(what);
    }
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(fd.get()));
    if (!directory) {
        process::throw_errno(what);
    }
    (void)fd.release();
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): own stream
        if (entry == nullptr) {
            if (errno != 0) {
                process::throw_errno(what);
            }
            return names;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
}

}  // namespace mistamover::files
