// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/name_sync.hpp"

namespace mistamover::sftp {
namespace {

constexpr std::uint32_t mode_of_temp_file = 0600;
constexpr std::uint32_t mode_of_temp_directory = 0700;

Status refusal_to_sync(const std::string& directory, const Reply& reply) {
    return reply.failure("bring the names in " + directory + " to the disk", StatusCode::no_space)
        .with_outcome_unknown();
}

}  // namespace

void NameSync::ask(const std::string& directory, Tell tell) {
    Directory& asked = directories_[directory];
    asked.waiting.push_back(std::move(tell));
    if (asked.under_way.empty()) {
        begin(directory);
    }
}

void NameSync::begin(const std::string& directory) {
    Directory& begun = directories_[directory];
    begun.under_way = std::exchange(begun.waiting, {});
    server_.pipeline().request(
        PacketType::open,
        [&](PacketWriter& packet) { packet.text(directory).number(open_flag::read).attributes({}); },
        [this, directory](Reply& reply) {
            if (reply.type != PacketType::handle) {
                return sync_by_file(directory);
            }
            sync(reply.body.text(), [this, directory](Reply& synced) {
                if (synced.is_ok()) {
                    return end(directory, {});
                }
                sync_by_file(directory);
            });
        });
}

void NameSync::sync_by_file(const std::string& directory) {
    const std::string path = temp_names_.next();
    // What is written in place has needed none so far.
    server_.pipeline().request(
        PacketType::mkdir,
        [&](PacketWriter& packet) {
            packet.text(temp_names_.directory()).attributes({{}, mode_of_temp_directory, {}});
        },
        [](Reply&) {});
    server_.pipeline().request(
        PacketType::open,
        [&](PacketWriter& packet) {
            packet.text(path)
                .number(open_flag::write | open_flag::create | open_flag::exclusive)
                .attributes({{}, mode_of_temp_file, {}});
        },
        [this, directory, path](Reply& reply) {
            if (reply.type != PacketType::handle) {
                return end(directory, refusal_to_sync(directory, reply));
            }
            sync(reply.body.text(), [this, directory](Reply& synced) {
                end(directory, synced.is_ok() ? Status{} : refusal_to_sync(directory, synced));
            });
            server_.pipeline().request(
                PacketType::remove, [&](PacketWriter& packet) { packet.text(path); }, [](Reply&) {});
        });
}

/// Closes it, too.
void NameSync::sync(std::string_view handle, ReplyHandler on_synced) {
    server_.pipeline().request(
        PacketType::extended, [&](PacketWriter& packet) { packet.text("fsync@openssh.com").text(handle); },
        std::move(on_synced));
    server_.pipeline().request(
        PacketType::close, [&](PacketWriter& packet) { packet.text(handle); }, [](Reply&) {});
}

void NameSync::end(const std::string& directory, const Status& status) {
    Directory& ended = directories_[directory];
    for (const Tell& tell : std::exchange(ended.under_way, {})) {
        tell(status);
    }
    // Whoever was told may have asked anew.
    if (ended.under_way.empty() && !ended.waiting.empty()) {
        begin(directory);
    }
}

}  // namespace mistamover::sftp
