// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/target_directories.hpp"

#include <sys/stat.h>

namespace mistamover::sftp {
namespace {

Status refusal_of(const std::string& directory, Reply& reply) {
    if (reply.type != PacketType::attributes) {
        return reply.failure("look at directory " + directory);
    }
    const std::uint32_t mode = reply.body.attributes().mode.value_or(S_IFDIR);
    if (S_ISDIR(mode)) {
        return {};
    }
    return {StatusCode::exists, StatusScope::item,
            directory + (S_ISLNK(mode) ? " is a link, which is not followed" : " is no directory")};
}

}  // namespace

void TargetDirectories::expect(const std::string& directory) {
    // A look at it that is under way would still settle it, before it is made. There is none: a put names a
    // directory before what lies in it.
    directories_[directory].known.reset();
}

void TargetDirectories::settle(const std::string& directory, const Status& status) {
    Directory& settled = directories_[directory];
    if (settled.known) {
        return;
    }
    settled.known = status;
    for (const Waiter& waiter : std::exchange(settled.waiters, {})) {
        waiter(status);
    }
}

void TargetDirectories::when_known(const std::string& directory, const Waiter& waiter) {
    if (directory.size() <= root_.size()) {
        return waiter({});
    }
    const auto [entry, is_new] = directories_.try_emplace(directory);
    Directory& found = entry->second;
    if (found.known) {
        return waiter(*found.known);
    }
    found.waiters.push_back(waiter);
    if (is_new) {
        find_out(directory);
    }
}

void TargetDirectories::find_out(const std::string& directory) {
    when_known(parent_directory(directory), [this, directory](const Status& of_parent) {
        if (!of_parent.ok()) {
            return settle(directory, of_parent);
        }
        look_at(directory);
    });
}

void TargetDirectories::look_at(const std::string& directory) {
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(directory); },
        [this, directory](Reply& reply) { settle(directory, refusal_of(directory, reply)); });
}

std::string parent_directory(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

}  // namespace mistamover::sftp
