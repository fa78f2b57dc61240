// SPDX-License-Identifier: BSD-3-Clause
#include "local/temp_directory.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mistamover::local {
namespace {

std::string unique_name() {
    static std::atomic<std::uint64_t> counter{0};
    return std::to_string(::getpid()) + '.' + std::to_string(counter.fetch_add(1));
}

constexpr mode_t private_directory = 0700;
constexpr mode_t private_file = 0600;
// So often the directory may vanish, or a name be taken, before that is an error.
constexpr int attempts = 100;

}  // namespace

TempDirectory::TempDirectory(Tree& tree, std::string_view path)
    : tree_(tree), shared_path_(path), own_path_(shared_path_ + '/' + unique_name()) {}

TempDirectory::~TempDirectory() {
    if (directory_.valid()) {
        remove(own_path_);
    }
}

void TempDirectory::leave() {
    if (directory_.valid()) {
        directory_ = FileDescriptor();
        remove(own_path_);
        remove(shared_path_);
        tree_.forget();
    }
}

void TempDirectory::remove(const std::string& path) {
    const Place at = tree_.place(path);
    if (at.directory >= 0) {
        (void)::unlinkat(at.directory, at.name, AT_REMOVEDIR);
    }
}

bool TempDirectory::make(const std::string& path) {
    const Place at = tree_.place(path);
    return at.directory >= 0 && (::mkdirat(at.directory, at.name, private_directory) == 0 || errno == EEXIST);
}

bool TempDirectory::enter() {
    if (!make(shared_path_) || !make(own_path_)) {
        return false;
    }
    directory_ = tree_.open(own_path_, O_PATH | O_DIRECTORY);
    return directory_.valid();
}

/// What `attempt`, given a directory and a name in it, returns: -1 with errno set on failure.
template <typename Attempt>
int TempDirectory::create(std::string& name, const Attempt& attempt) {
    for (int tries = 1;; ++tries) {
        if (!directory_.valid() && !enter()) {
            return -1;
        }
        name = std::to_string(next_++);
        const int made = attempt(directory_.get(), name.c_str());
        if (made >= 0 || tries == attempts) {
            return made;
        }
        if (errno == ENOENT) {
            directory_ = FileDescriptor();  // Somebody has removed it: the next round makes it again.
            tree_.forget();
        } else if (errno != EEXIST) {
            return -1;
        }
    }
}

FileDescriptor TempDirectory::create_file(std::string& name) {
    return FileDescriptor(create(name, [](int directory, const char* path) {
        return ::openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, private_file);
    }));
}

bool TempDirectory::create_link(const char* content, std::string& name) {
    return create(name, [&](int directory, const char* path) {
               return ::symlinkat(content, directory, path);
           }) == 0;
}

}  // namespace mistamover::local
