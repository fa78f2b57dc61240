// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/sftp_session.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "sftp/failure.hpp"
#include "sftp/name_sync.hpp"
#include "sftp/small_reads.hpp"

namespace mistamover::sftp {
namespace {

constexpr std::size_t most_questions = 1024;
// Of a listing. One that is filtered by the server may have a few.
constexpr std::size_t most_answers_without_names = 100;

std::string hexadecimal(std::string_view bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4U];
        text += digits[static_cast<unsigned char>(byte) & 15U];
    }
    return text;
}

/// What a slow server needs to read a file, at 1 MB/s. The size is only its word: a year at most.
std::chrono::milliseconds time_to_read(std::uint64_t size) {
    constexpr std::chrono::milliseconds longest = std::chrono::years(1);
    return std::min(std::chrono::milliseconds(size / 1000), longest);
}

/// Of any file: what is configured and the server do not fit together.
Status cannot_compute(std::string_view algorithm) {
    return {StatusCode::configuration, StatusScope::stream,
            "this server cannot compute " + std::string(algorithm) +
                ": set outgoing.checksum to one that it can, or outgoing.verify: size"};
}

}  // namespace

SftpSession::SftpSession(Connections& connections, const SftpOptions& options, Leftovers& leftovers,
                         SessionContext& context)
    : connections_(connections),
      counted_(connections),
      options_(options),
      leftovers_(leftovers),
      context_(context),
      connection_(connections.connect_session(context)),
      server_(connection_->server()),
      temp_names_(options.target_dir + '/' + options.temp_dir) {
    if (options_.fsync && !server_.features().fsync) {
        throw StatusError({StatusCode::configuration, StatusScope::stream,
                           "sftp.fsync: the server cannot bring files to the disk when asked"});
    }
    check_target();
    if (options_.mirror) {
        server_.try_attributes(temp_names_);
    }
}

void SftpSession::check_target() {
    EntryInfo info;
    const Status status = server_.look_at(options_.target_dir, info, true);
    if (status.code() == StatusCode::not_found || (status.ok() && info.kind != EntryKind::directory)) {
        throw StatusError(
            {StatusCode::not_found, StatusScope::session,
             "target directory " + options_.target_dir + " does not exist on " + options_.target_host});
    }
    if (!status.ok()) {
        throw StatusError(status.of_session());
    }
}

Capabilities SftpSession::capabilities() {
    const ServerFeatures& features = server_.features();
    Capabilities found =
        Capability::list | Capability::remove | Capability::make_directory | Capability::get_many;
    if (features.sets_times()) {
        found = found | Capability::set_time;
    }
    if (features.posix_rename) {
        found = found | Capability::rename | Capability::publish_rename | Capability::symlinks |
                Capability::resume;
    }
    if (features.check_file) {
        found = found | Capability::checksum;
    }
    if (features.statvfs) {
        found = found | Capability::free_space;
    }
    return found;
}

std::string SftpSession::at_server(std::string_view path) const {
    std::string whole = options_.target_dir;
    if (!path.empty() && path != ".") {
        whole += '/';
        whole += path;
    }
    return whole;
}

Status SftpSession::put(const PutRequest& request, PutSink& sink) {
    return BatchPut({server_, connections_, temp_names_, leftovers_, options_, context_}, request, sink)
        .run();
}

void SftpSession::keep_short(std::size_t most_in_flight) {
    while (server_.pipeline().in_flight() > most_in_flight) {
        server_.pipeline().pump();
    }
}

Status SftpSession::stat(std::span<const std::string_view> paths, StatSink& sink) {
    for (std::size_t index = 0; index < paths.size(); ++index) {
        keep_short(most_questions);
        const std::string path = at_server(paths[index]);
        server_.pipeline().request(
            PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
            [this, &sink, index, path](Reply& reply) {
                if (reply.type == PacketType::attributes) {
                    return sink.entry(index, {}, server_.told_info(reply.body.attributes()));
                }
                sink.entry(index, reply.failure("look at " + path), {});
            });
    }
    server_.pipeline().finish();
    return {};
}

/// A server follows a link, and whoever clears away what is listed would clear what that leads to.
Status SftpSession::open_directory(const std::string& path, std::string& handle) {
    Status status;
    bool is_link = false;
    if (path != options_.target_dir) {
        server_.pipeline().request(
            PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
            [&](Reply& reply) {
                is_link = reply.type == PacketType::attributes &&
                          info_of(reply.body.attributes()).kind == EntryKind::symlink;
            });
    }
    server_.ask(
        PacketType::opendir, [&](PacketWriter& packet) { packet.text(path); },
        [&](Reply& reply) {
            if (reply.type == PacketType::handle) {
                handle = reply.body.text();
            } else {
                status = reply.failure("open " + path);
            }
        });
    if (!is_link) {
        return status;
    }
    if (!handle.empty()) {
        close_handle(handle);
    }
    return {StatusCode::not_found, StatusScope::item, path + " is a link, not a directory"};
}

void SftpSession::close_handle(const std::string& handle) {
    server_.ask(
        PacketType::close, [&](PacketWriter& packet) { packet.text(handle); }, [](Reply&) {});
}

/// Anything else might keep the server waiting, as a FIFO does.
Status SftpSession::look_at_regular(const std::string& path, std::uint64_t& size) {
    EntryInfo info;
    Status status = server_.look_at(path, info);
    size = info.size;
    if (status.ok() && info.kind != EntryKind::file) {
        status = {StatusCode::unsupported, StatusScope::item, "not a file: " + path};
    }
    return status;
}

Status SftpSession::get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) {
    return get_one_of_many(path, limit, sink);
}

Status SftpSession::get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) {
    SmallReads reads(server_, limit, sink);
    for (std::size_t index = 0; index < paths.size(); ++index) {
        keep_short(server_.features().open_files - 1);
        reads.begin(index, at_server(paths[index]));
    }
    server_.pipeline().finish();
    return {};
}

Status SftpSession::list(std::string_view path, ListSink& sink) {
    if (options_.mirror) {
        server_.learn_clock(temp_names_);
    }
    const std::string whole = at_server(path);
    std::string handle;
    Status status = open_directory(whole, handle);
    if (!status.ok()) {
        return status;
    }
    std::size_t without_names = 0;
    while (const auto count = read_names(handle, whole, sink, status)) {
        if (*count == 0 && ++without_names > most_answers_without_names) {
            status = {StatusCode::corrupt, StatusScope::session,
                      "list " + whole + ": the server gives no names, and comes to no end"};
            break;
        }
        if (context_.cancelled()) {
            status = {StatusCode::cancelled, StatusScope::item, "cancelled"};
            break;
        }
    }
    close_handle(handle);
    return status;
}

/// Some of a directory's names, and how many; nothing behind the last.
std::optional<std::uint32_t> SftpSession::read_names(const std::string& handle, const std::string& path,
                                                     ListSink& sink, Status& status) {
    std::optional<std::uint32_t> count;
    server_.ask(
        PacketType::readdir, [&](PacketWriter& packet) { packet.text(handle); },
        [&](Reply& reply) {
            if (reply.type != PacketType::name) {
                if (reply.code != reply_code::end_of_file) {
                    status = reply.failure("list " + path);
                }
                return;
            }
            count = reply.body.number();
            for (std::uint32_t left = *count; left > 0; --left) {
                const std::string_view name = reply.body.text();
                (void)reply.body.text();  // a line as of ls, for people
                const EntryInfo info = server_.told_info(reply.body.attributes());
                if (name != "." && name != "..") {
                    sink.entry(name, info);
                }
            }
        });
    return count;
}

Status SftpSession::remove(std::span<const std::string_view> paths, RemoveSink& sink) {
    for (std::size_t index = 0; index < paths.size(); ++index) {
        keep_short(most_questions);
        remove_one(at_server(paths[index]), index, sink);
    }
    server_.pipeline().finish();
    return {};
}

void SftpSession::remove_one(const std::string& path, std::size_t index, RemoveSink& sink) {
    server_.pipeline().request(
        PacketType::remove, [&](PacketWriter& packet) { packet.text(path); },
        [this, path, index, &sink](Reply& reply) {
            if (reply.is_ok() || reply.code == reply_code::no_such_file) {
                return sink.done(index, {});
            }
            remove_unless_gone(path, index, reply.failure("remove " + path), sink);
        });
}

/// Servers refuse to remove a directory this way with whatever code; only a directory is tried the other way.
void SftpSession::remove_unless_gone(const std::string& path, std::size_t index, const Status& refusal,
                                     RemoveSink& sink) {
    server_.pipeline().request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
        [this, path, index, refusal, &sink](Reply& reply) {
            if (reply.type == PacketType::status && reply.code == reply_code::no_such_file) {
                return sink.done(index, {});
            }
            if (reply.type != PacketType::attributes ||
                info_of(reply.body.attributes()).kind != EntryKind::directory) {
                return sink.done(index, refusal);
            }
            server_.pipeline().request(
                PacketType::rmdir, [&](PacketWriter& packet) { packet.text(path); },
                [path, index, &sink](Reply& answer) {
                    const bool gone = answer.is_ok() || answer.code == reply_code::no_such_file;
                    sink.done(index, gone ? Status{}
                                          : answer.failure("remove directory " + path, StatusCode::exists));
                });
        });
}

Status SftpSession::rename(std::string_view from, std::string_view to) {
    const std::string source = at_server(from);
    const std::string target = at_server(to);
    Status status = server_.ask_for_status(
        PacketType::extended,
        [&](PacketWriter& packet) { packet.text("posix-rename@openssh.com").text(source).text(target); },
        "rename " + source + " to " + target);
    EntryInfo info;
    if (status.protocol_code() == reply_code::failure && server_.look_at(target, info).ok()) {
        status = {StatusCode::exists, StatusScope::item, target + " is there already and cannot be replaced",
                  status.protocol_code()};
    }
    return status.ok() && options_.fsync ? sync_names(parent_directory(target)) : status;
}

Status SftpSession::sync_names(const std::string& directory) {
    Status status;
    NameSync name_sync(server_, temp_names_);
    name_sync.ask(directory, [&](const Status& synced) { status = synced; });
    server_.pipeline().finish();
    return status;
}

Status SftpSession::make_directory(std::string_view path) {
    const std::string whole = at_server(path);
    Status status = server_.ask_for_status(
        PacketType::mkdir,
        [&](PacketWriter& packet) {
            packet.text(whole).attributes({{}, 0777, {}});
        },
        "make directory " + whole, StatusCode::no_space);
    EntryInfo info;
    if (status.protocol_code() == reply_code::failure && server_.look_at(whole, info).ok()) {
        status = {StatusCode::exists, StatusScope::item, whole + " is there already", status.protocol_code()};
    }
    return status;
}

Status SftpSession::checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) {
    const std::string whole = at_server(path);
    std::uint64_t size = 0;
    Status status = look_at_regular(whole, size);
    if (!status.ok()) {
        return status;
    }
    server_.ask(
        PacketType::extended,
        [&](PacketWriter& packet) {
            // From the start to the end, as one block: no digest of a whole can be had in parts.
            packet.text("check-file-name")
                .text(whole)
                .text(algorithm)
                .long_number(0)
                .long_number(0)
                .number(0);
        },
        [&](Reply& reply) {
            if (reply.type != PacketType::extended_reply) {
                // An empty file is refused so too, by ProFTPD.
                status = reply.code == reply_code::unsupported && size > 0
                             ? cannot_compute(algorithm)
                             : reply.failure("compute the checksum of " + whole, StatusCode::unsupported);
                return;
            }
            std::string_view used = reply.body.text();
            if (used == "check-file") {
                used = reply.body.text();
            }
            if (used != algorithm) {
                status = cannot_compute(algorithm);
                return;
            }
            sink.bytes(hexadecimal(reply.body.rest()));
        },
        time_to_read(size));
    return status;
}

Status SftpSession::free_space(std::uint64_t& bytes) {
    Status status;
    server_.ask(
        PacketType::extended,
        [&](PacketWriter& packet) { packet.text("statvfs@openssh.com").text(options_.target_dir); },
        [&](Reply& reply) {
            if (reply.type != PacketType::extended_reply) {
                status = reply.failure("ask for the free space of " + options_.target_dir);
                return;
            }
            (void)reply.body.long_number();  // the block size that is good for reading and writing
            const std::uint64_t unit = reply.body.long_number();
            (void)reply.body.long_number();  // units in all
            (void)reply.body.long_number();  // free ones, with those for root alone
            bytes = unit * reply.body.long_number();
        });
    return status;
}

}  // namespace mistamover::sftp
