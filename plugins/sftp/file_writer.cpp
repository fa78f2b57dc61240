// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/file_writer.hpp"

#include <exception>
#include <utility>

#include <mistamover/transfer_module.hpp>

namespace mistamover::sftp {

FileWriter::FileWriter(Server& server, Connections& connections, const SftpOptions& options,
                       border::SessionContext& context, OnEnd on_end)
    : server_(server),
      pipeline_(server.pipeline()),
      connections_(connections),
      options_(options),
      context_(context),
      on_end_(std::move(on_end)),
      pace_(server.features().write_size) {}

void FileWriter::add(OutgoingFile& file) {
    files_.push_back(&file);
    share(file);
}

void FileWriter::feed() {
    if (second_line_ && second_line_->has_failed()) {
        end_sharing();
    }
    while (!files_.empty() && pace_.has_room() && pipeline_.has_room()) {
        OutgoingFile& file = *files_.front();
        if (const auto piece = file.failure.ok() ? file.pieces.take(pace_.piece()) : std::nullopt) {
            write_piece(file, *piece);
            continue;
        }
        if (shared_ == &file) {
            end_sharing();  // which may give back some pieces
            continue;
        }
        files_.pop_front();
        seal(file);
    }
}

/// Where it takes longer than to connect. Only OpenSSH is known to have one file for two handles from the
/// start on, and has `limits`; the line itself finds out what others do.
void FileWriter::share(OutgoingFile& file) {
    constexpr std::uint64_t large = 256ULL << 20U;
    const ServerFeatures& features = server_.features();
    if (second_line_ || !file.may_be_shared || !features.posix_rename || !features.limits ||
        options_.limited_bandwidth || file.pieces.left() < large) {
        return;
    }
    auto spare = connections_.take_spare();
    if (!spare) {
        return;
    }
    try {
        second_line_.emplace(std::move(*spare), context_, file.temp, *file.source, file.pieces);
        shared_ = &file;
    } catch (const std::exception& error) {
        connections_.pause_spares();
        context_.log(LogLevel::info,
                     "there is no second connection for one file: " + std::string(error.what()));
    }
}

/// Throws StatusError where the second connection is lost with what it had confirmed.
void FileWriter::end_sharing() {
    OutgoingFile& file = *std::exchange(shared_, nullptr);
    const SecondLine::End end = file.failure.ok() ? second_line_->finish() : second_line_->give_up();
    pipeline_.restart_patience();
    file.report.bytes_sent += second_line_->bytes_sent();
    second_line_.reset();
    if (!end.is_break) {
        return file.fail(end.failure);
    }
    if (!context_.cancelled()) {
        throw StatusError(end.failure);
    }
    file.fail({StatusCode::cancelled, StatusScope::item, "cancelled"});
}

void FileWriter::stop_sharing() {
    if (shared_ == nullptr) {
        return;
    }
    const SecondLine::End end = second_line_->give_up();
    if (!end.is_break) {
        shared_->fail(end.failure);
    }
    second_line_.reset();
    shared_ = nullptr;
}

void FileWriter::write_piece(OutgoingFile& file, const Piece& piece) {
    if (options_.limited_bandwidth) {
        context_.acquire(piece.size);
        pipeline_.restart_patience();
    }
    pace_.asked(piece.size);
    ++file.due;
    pipeline_.request(
        PacketType::write,
        [&](PacketWriter& packet) {
            packet.text(file.handle).long_number(piece.offset);
            const Status status = file.source->read(piece.offset, packet.blank_text(piece.size), piece.size);
            if (!status.ok()) {
                file.fail(status);
            }
        },
        [this, &file, piece, asked = WritePace::Clock::now()](Reply& reply) {
            if (reply.is_ok()) {
                pace_.done(piece.size, asked);
                note_written(file, piece);
            } else {
                pace_.refused(piece.size);
            }
            settle(file, reply, "write", StatusCode::no_space);
        });
}

void FileWriter::note_written(OutgoingFile& file, const Piece& piece) {
    file.report.bytes_sent += piece.size;
    context_.progress(piece.size);
    file.pieces.confirm(piece);
}

/// Everything has been asked to be written: gives the copy what the source has beside its contents.
void FileWriter::seal(OutgoingFile& file) {
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
    stop_sharing();
    for (OutgoingFile* file : std::exchange(files_, {})) {
        file->fail(why);
        end(*file);
    }
}

/// It is the server's way, not the file's. A mirror compares by the times, so it must have known before.
bool FileWriter::can_do_without(const Reply& reply) {
    const ServerFeatures& features = server_.features();
    const bool compares_times = options_.mirror && features.keeps_attributes && features.keeps_times;
    if (!reply.is_refusal() || compares_times) {
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
    if (file.failure.ok() && file.pieces.confirmed() != file.size) {
        file.fail({StatusCode::internal, StatusScope::session,
                   "not all of " + file.target + " was written, though nothing has failed"});
    }
    // Not before: much of it may have been on its way when the last was asked to be written, and the copy of
    // what changed since would be the newer one where the server sets its time.
    file.fail(file.source->check_unchanged());
    file.source.reset();
    on_end_(file);
}

}  // namespace mistamover::sftp
