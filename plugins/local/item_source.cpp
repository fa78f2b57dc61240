// SPDX-License-Identifier: BSD-3-Clause
#include "local/item_source.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>

namespace mistamover::local {
namespace {

// Non-blocking, for a FIFO that has taken the file's name.
constexpr int reading = O_RDONLY | O_NONBLOCK;

}  // namespace

Place ItemSource::place(const PutItem& item, struct stat& found) {
    const Place at = root_.place(item.path);
    if (at.directory < 0 || ::fstatat(at.directory, at.name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        throw StatusError(source_failure(errno, "look at", item.path));
    }
    if (!is_the_item(found, item)) {
        throw StatusError(source_changed(item.path));
    }
    return at;
}

FileDescriptor ItemSource::open(const PutItem& item, struct stat& found) {
    FileDescriptor file = open_for_reading(item.path);
    if (!file.valid()) {
        throw StatusError(source_failure(errno, "open", item.path));
    }
    if (::fstat(file.get(), &found) != 0) {
        throw StatusError(source_failure(errno, "look at", item.path));
    }
    if (!is_the_item(found, item)) {
        throw StatusError(source_changed(item.path));
    }
    return file;
}

FileDescriptor ItemSource::open_for_reading(std::string_view path) {
    if (!reading_sets_time_) {
        FileDescriptor file = root_.open(path, reading | O_NOATIME);
        if (file.valid() || errno != EPERM) {
            return file;
        }
        reading_sets_time_ = true;  // Only a file's owner may read without a trace.
    }
    return root_.open(path, reading);
}

void ItemSource::check_unchanged(const PutItem& item, int file, const struct stat& before) {
    struct stat now = {};
    if (::fstat(file, &now) != 0) {
        throw StatusError(source_failure(errno, "look at", item.path));
    }
    if (!is_unchanged(before, now)) {
        throw StatusError(source_changed(item.path));
    }
}

std::string ItemSource::read_link(const PutItem& item, struct stat& found) {
    const Place at = root_.place(item.path);
    if (at.directory < 0) {
        throw StatusError(source_failure(errno, "look at", item.path));
    }
    return read_source_link(at.directory, at.name, item, found);
}

void ItemSource::sync(const PutItem& item) {
    const FileDescriptor file = root_.open(item.path, reading);
    if (!file.valid() || ::fsync(file.get()) != 0) {
        throw StatusError(source_failure(errno, "write to the disk", item.path));
    }
}

}  // namespace mistamover::local
