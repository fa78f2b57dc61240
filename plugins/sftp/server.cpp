// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/server.hpp"

#include <algorithm>

namespace mistamover::sftp {

void ServerFeatures::learn(std::string_view extension, std::string_view data) {
    if (extension == "posix-rename@openssh.com") {
        posix_rename = data == "1";
    } else if (extension == "fsync@openssh.com") {
        fsync = data == "1";
    } else if (extension == "statvfs@openssh.com") {
        statvfs = data == "2";
    } else if (extension == "limits@openssh.com") {
        limits = data == "1";
    } else if (extension == "lsetstat@openssh.com") {
        lsetstat = data == "1";
    } else if (extension == "check-file" || extension == "check-file-name") {
        check_file = true;
    }
}

void Server::start() {
    pipeline_.start([this](std::string_view name, std::string_view data) { features_.learn(name, data); });
    if (!features_.limits) {
        return;
    }
    ask(
        PacketType::extended, [](PacketWriter& packet) { packet.text("limits@openssh.com"); },
        [this](Reply& reply) {
            if (reply.type != PacketType::extended_reply) {
                return;
            }
            constexpr std::size_t most_files = 256;
            constexpr std::size_t longest_write = 261120;  // 256 KiB with room for the packet around it
            (void)reply.body.long_number();                // the longest packet
            (void)reply.body.long_number();                // the longest read
            const std::uint64_t write = reply.body.long_number();
            const std::uint64_t files = reply.body.long_number();
            // 0 stands for no limit, or none that the server knows.
            features_.write_size = write == 0 ? features_.write_size : std::min(write, longest_write);
            features_.open_files = files == 0 ? features_.open_files : std::min(files, most_files);
        });
}

Status Server::look_at(const std::string& path, EntryInfo& info, bool follow) {
    Status status;
    ask(
        follow ? PacketType::stat : PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
        [&](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                info = info_of(reply.body.attributes());
            } else {
                status = reply.failure("look at " + path);
            }
        });
    return status;
}

}  // namespace mistamover::sftp
