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
    if (features_.limits) {
        ask_for_limits();
    }
    if (!features_.check_file) {
        try_check_file();
    }
    pipeline_.finish();
}

void Server::ask_for_limits() {
    pipeline_.request(
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

/// ProFTPD has it and tells only clients of later versions: one that has it looks for the file.
void Server::try_check_file() {
    pipeline_.request(
        PacketType::extended,
        [](PacketWriter& packet) {
            packet.text("check-file-name").text(".mistamover-no-such-file").text("md5");
            packet.long_number(0).long_number(0).number(0);
        },
        [this](Reply& reply) {
            features_.check_file = reply.type == PacketType::status && reply.code == reply_code::no_such_file;
            features_.is_proftpd = features_.check_file;
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
