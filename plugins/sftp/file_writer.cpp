// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/file_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mistamover::sftp {
namespace {

/// What a slow server needs to bring what it has taken of a file to its disk, at 10 MB/s.
std::chrono::milliseconds time_to_store(std::uint64_t size) {
    return std::chrono::milliseconds(size / 10'000);
}

}  // namespace

FileWriter::FileWriter(Server& server, const SftpOptions& options, border::SessionContext& context,
                       OnEnd on_end)
    : server_(server),
      pipeline_(server.pipeline()),
      options_(options),
      context_(context),
      on_end_(std::move(on_end)),
      pace_(server.features().write_size) {}

void FileWriter::feed() {
    while (!files_.empty() && pace_.has_room() && pipeline_.has_room()) {
        OutgoingFile& file = *files_.front();
        if (file.failure.ok() && file.offset < file.size) {
            write_piece(file);
            continue;
        }
        files_.pop_front();
        seal(file);
    }
}

void FileWriter::write_piece(OutgoingFile& file) {
    const std::size_t size =
        static_cast<std::size_t>(std::min<std::uint64_t>(file.size - file.offset, pace_.piece()));
    if (options_.limited_bandwidth) {
        context_.acquire(size);
        pipeline_.restart_patience();
    }
    pace_.asked(size);
    ++file.due;
    const std::uint64_t offset = file.offset;
    pipeline_.request(
        PacketType::write,
        [&](PacketWriter& packet) {
            packet.text(file.handle).long_number(offset);
            const Status status = file.source->read(offset, packet.blank_text(size), size);
            if (!status.ok()) {
                file.fail(status);
            }
        },
        [this, &file, offset, size, asked = WritePace::Clock::now()](Reply& reply) {
            if (reply.is_ok()) {
                pace_.done(size, asked);
                note_written(file, offset, size);
            } else {
                pace_.refused(size);
            }
            settle(file, reply, "write", StatusCode::no_space);
        });
    file.offset += size;
}

void FileWriter::note_written(OutgoingFile& file, std::uint64_t offset, std::size_t size) {
    file.report.bytes_sent += size;
    context_.progress(size);
    // An answer out of turn leaves the rest unconfirmed, which costs no more than its being sent again.
    if (offset == file.confirmed) {
        file.confirmed += size;
    }
}

/// Everything has been asked to be written: gives the copy what the source has beside its contents.
void FileWriter::seal(OutgoingFile& file) {
    if (file.failure.ok()) {
        if (const Status status = file.source->check_unchanged(); !status.ok()) {
            file.fail(status);
        }
    }
    if (file.failure.ok()) {
        ++file.due;
        pipeline_.request(
            PacketType::fsetstat,
            [&](PacketWriter& packet) { packet.text(file.handle).attributes(file.attributes); },
            [this, &file](Reply& reply) {
                if (can_do_without(reply)) {
                    return settle(file);
                }
                settle(file, reply, "set mode and time of", StatusCode::permission);
            });
    }
    if (file.failure.ok() && options_.fsync) {
        ++file.due;
        pipeline_.request(
            PacketType::extended,
            [&](PacketWriter& packet) { packet.text("fsync@openssh.com").text(file.handle); },
            [this, &file](Reply& reply) { settle(file, reply, "bring to the disk", StatusCode::no_space); },
            time_to_store(file.size));
    }
    end(file);
}

void FileWriter::end(OutgoingFile& file) {
    ++file.due;
    pipeline_.request(
        PacketType::close, [&](PacketWriter& packet) { packet.text(file.handle); },
        [this, &file](Reply& reply) { settle(file, reply, "close", StatusCode::no_space); },
        time_to_store(file.size));
    file.handle.clear();
}

void FileWriter::give_up(const Status& why) {
    for (OutgoingFile* file : std::exchange(files_, {})) {
        file->fail(why);
        end(*file);
    }
}

/// It is the server's way, not the file's. A mirror compares by the times, so it must have known before.
bool FileWriter::can_do_without(const Reply& reply) {
    if (!reply.is_refusal() || (options_.mirror && server_.features().keeps_attributes)) {
        return false;
    }
    server_.keeps_no_attributes(reply);
    return true;
}

/// One answer of those that are due; after the last the file has ended.
void FileWriter::settle(OutgoingFile& file, const Reply& reply, const char* doing, StatusCode unspecific) {
    if (!reply.is_ok()) {
        file.fail(reply.failure(std::string(doing) + ' ' + file.target, unspecific));
    }
    settle(file);
}

void FileWriter::settle(OutgoingFile& file) {
    if (--file.due != 0 || !file.handle.empty()) {
        return;
    }
    file.source.reset();
    on_end_(file);
}

}  // namespace mistamover::sftp
