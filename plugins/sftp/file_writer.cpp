// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/file_writer.hpp"

#include <algorithm>
#include <utility>

namespace mistamover::sftp {
namespace {

/// What a slow server needs to bring what it has taken of a file to its disk, at 10 MB/s.
std::chrono::milliseconds time_to_store(std::uint64_t size) {
    return std::chrono::milliseconds(size / 10'000);
}

}  // namespace

void PieceSize::answered(Clock::duration interval) {
    constexpr std::chrono::milliseconds fast{100};
    constexpr std::chrono::milliseconds slow{500};
    if (interval < fast) {
        size_ = std::min({2 * size_, largest, most_});
    } else if (interval > slow) {
        size_ = std::min(std::max(size_ / 2, smallest), most_);
    }
}

void SendWindow::answered(std::size_t bytes, Clock::time_point asked, Clock::time_point now) {
    constexpr std::chrono::milliseconds shortest_count{20};
    shortest_ = std::min(shortest_, now - asked);
    if (counted_since_ == Clock::time_point{}) {
        counted_since_ = asked;
    }
    counted_ += bytes;
    const Clock::duration counted_for = now - counted_since_;
    if (counted_for < std::max<Clock::duration>(shortest_count, 2 * shortest_)) {
        return;
    }
    const double held =
        static_cast<double>(counted_) * (std::chrono::duration<double>(shortest_) / counted_for);
    size_ = std::clamp(static_cast<std::size_t>(2 * held), smallest, largest);
    counted_since_ = now;
    counted_ = 0;
}

FileWriter::FileWriter(Server& server, const SftpOptions& options, border::SessionContext& context,
                       OnEnd on_end)
    : server_(server),
      pipeline_(server.pipeline()),
      options_(options),
      context_(context),
      on_end_(std::move(on_end)),
      piece_(server.features().write_size) {}

void FileWriter::feed() {
    while (!files_.empty() && unconfirmed_ < window_.bytes() && pipeline_.has_room()) {
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
        static_cast<std::size_t>(std::min<std::uint64_t>(file.size - file.offset, piece_.bytes()));
    if (options_.limited_bandwidth) {
        context_.acquire(size);
        pipeline_.restart_patience();
    }
    if (unconfirmed_ == 0) {
        window_.idle();
        last_answer_ = Clock::now();
    }
    ++file.due;
    unconfirmed_ += size;
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
        [this, &file, offset, size, asked = Clock::now()](Reply& reply) {
            unconfirmed_ -= size;
            if (reply.is_ok()) {
                note_answer(file, offset, size, asked);
            }
            settle(file, reply, "write", StatusCode::no_space);
        });
    file.offset += size;
}

void FileWriter::note_answer(OutgoingFile& file, std::uint64_t offset, std::size_t size,
                             Clock::time_point asked) {
    const auto now = Clock::now();
    window_.answered(size, asked, now);
    piece_.answered(now - std::exchange(last_answer_, now));
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
