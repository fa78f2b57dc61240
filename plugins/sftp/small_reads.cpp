// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/small_reads.hpp"

#include <algorithm>
#include <utility>

#include "sftp/failure.hpp"

namespace mistamover::sftp {

void SmallReads::begin(std::size_t index, std::string path) {
    const auto file = std::make_shared<File>(File{index, std::move(path), {}, 0, {}});
    server_.pipeline().request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(file->path); },
        [this, file](Reply& reply) { looked_at(file, reply); });
}

/// Anything but a file might keep the server waiting, as a FIFO does.
void SmallReads::looked_at(const FileRef& file, Reply& reply) {
    if (reply.type != PacketType::attributes) {
        return sink_.got(file->index, reply.failure("look at " + file->path), {});
    }
    const EntryInfo info = info_of(reply.body.attributes());
    if (info.kind != EntryKind::file || info.size > limit_) {
        const std::string reason = info.kind != EntryKind::file
                                       ? "not a file: " + file->path
                                       : file->path + " is longer than " + std::to_string(limit_) + " bytes";
        return sink_.got(file->index, {StatusCode::unsupported, StatusScope::item, reason}, {});
    }
    file->size = info.size;
    server_.pipeline().request(
        PacketType::open,
        [&](PacketWriter& packet) { packet.text(file->path).number(open_flag::read).attributes({}); },
        [this, file](Reply& answer) { opened(file, answer); });
}

void SmallReads::opened(const FileRef& file, Reply& reply) {
    if (reply.type != PacketType::handle) {
        return sink_.got(file->index, reply.failure("open " + file->path), {});
    }
    file->handle = reply.body.text();
    read(file);
}

void SmallReads::read(const FileRef& file) {
    constexpr std::uint64_t piece = 32768;
    const std::uint64_t left = file->size - file->content.size();
    if (left == 0) {
        return end(*file, {});
    }
    server_.pipeline().request(
        PacketType::read,
        [&](PacketWriter& packet) {
            packet.text(file->handle)
                .long_number(file->content.size())
                .number(static_cast<std::uint32_t>(std::min(left, piece)));
        },
        [this, file](Reply& reply) { has_read(file, reply); });
}

void SmallReads::has_read(const FileRef& file, Reply& reply) {
    if (reply.type == PacketType::data) {
        const std::string_view data = reply.body.text();
        file->content += data.substr(0, file->size - file->content.size());
        return data.empty() ? end(*file, {}) : read(file);
    }
    // It has become shorter meanwhile.
    const bool at_end = reply.type == PacketType::status && reply.code == reply_code::end_of_file;
    end(*file, at_end ? Status{} : reply.failure("read " + file->path));
}

void SmallReads::end(const File& file, const Status& status) {
    server_.pipeline().request(
        PacketType::close, [&](PacketWriter& packet) { packet.text(file.handle); }, [](Reply&) {});
    sink_.got(file.index, status, status.ok() ? std::string_view(file.content) : std::string_view());
}

}  // namespace mistamover::sftp
