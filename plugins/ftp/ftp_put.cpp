// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_put.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_listing.hpp"
#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::size_t full_piece = 256UL * 1024;
constexpr std::size_t paced_piece = 16UL * 1024;
// What fits into the socket's buffer is sent without waiting for the server's leave.
constexpr std::uint64_t eager_limit = 64UL * 1024;

// What a leftover belongs to: the very file, in the very state.
std::string identity_of(const PutRequest& request, const PutItem& item) {
    std::string text = join(request.target_prefix, item.path);
    for (const std::uint64_t number :
         {item.device, item.inode, item.size, static_cast<std::uint64_t>(item.mtime_ns)}) {
        text += '/' + std::to_string(number);
    }
    return text;
}

bool ends_session(const Status& status) {
    return !status.ok() && (status.scope() != StatusScope::item || status.code() == StatusCode::cancelled);
}

}  // namespace

void Leftovers::keep(const std::string& item, const std::string& temp_name) {
    const std::lock_guard lock(mutex_);
    names_[item] = temp_name;
}

std::string Leftovers::take(const std::string& item) {
    const std::lock_guard lock(mutex_);
    const auto found = names_.find(item);
    if (found == names_.end()) {
        return {};
    }
    std::string name = std::move(found->second);
    names_.erase(found);
    return name;
}

std::string new_temp_name(const FtpOptions& options, ModuleState& shared) {
    return join(options.temp_dir, std::to_string(::getpid()) + '.' + std::to_string(++shared.next_temp));
}

Put::Put(PutTools tools, const PutRequest& request, PutSink& sink)
    : tools_(tools),
      request_(request),
      sink_(sink),
      source_root_(request.source_root),
      buffer_(std::make_unique_for_overwrite<char[]>(full_piece)),
      piece_(tools.options.limited_bandwidth ? paced_piece : full_piece) {}

Status Put::run() {
    try {
        for (std::size_t index = 0; index < request_.items.size(); ++index) {
            if (tools_.context.cancelled()) {
                return {StatusCode::cancelled, StatusScope::item, "cancelled"};
            }
            put(index);
        }
        finish();
        return {};
    } catch (const StatusError& error) {
        // Whatever was not reported is looked for at the target before it is sent again.
        return error.status();
    }
}

void Put::put(std::size_t index) {
    const PutItem& item = request_.items[index];
    const std::string path = join(request_.target_prefix, item.path);
    Status status;
    if (!can_carry(path)) {
        status = cannot_carry(path);
    } else {
        switch (item.kind) {
            case EntryKind::file:
                store(index);
                return;
            case EntryKind::directory:
                status = make_directory(item);
                break;
            case EntryKind::symlink:
                status = {StatusCode::unsupported, StatusScope::item,
                          "FTP cannot carry a symbolic link: " + path};
                break;
            case EntryKind::other:
                status = {StatusCode::unsupported, StatusScope::item,
                          "neither a file nor a directory: " + path};
                break;
        }
    }
    sink_.done(index, status, {});
}

Status Put::make_directory(const PutItem& item) {
    const std::string path = join(request_.target_prefix, item.path);
    const Reply made = tools_.control.call(tools_.control.with_path("MKD", path));
    if (made.completed()) {
        return {};
    }
    if (tools_.control.is_directory(path)) {
        return {};
    }
    return reply_failure(made, During::request, "make directory " + path);
}

void Put::store(std::size_t index) {
    const PutItem& item = request_.items[index];
    std::optional<SourceFile> source;
    try {
        source.emplace(source_root_, item);
    } catch (const StatusError& error) {
        sink_.done(index, error.status(), {});
        return;
    }
    Stored file;
    file.index = index;
    file.final_name = join(request_.target_prefix, item.path);
    std::uint64_t offset = 0;
    const bool renaming = request_.publish == Publish::rename;
    file.temp_name = file.final_name;
    if (renaming) {
        if (!std::exchange(temp_made_, true)) {
            tools_.control.queue(tools_.control.with_path("MKD", tools_.options.temp_dir),
                                 [](const Reply&) {});
        }
        file.temp_name = tools_.shared.leftovers.take(identity_of(request_, item));
        if (!file.temp_name.empty()) {
            offset = resume_at(file.temp_name, item);
        } else {
            file.temp_name = new_temp_name(tools_.options, tools_.shared);
        }
    }
    queue_next_steps();
    bool begun = false;
    Status status;
    try {
        OpenedData data = tools_.data.open(tools_.control.with_path("STOR", file.temp_name),
                                           item.size <= eager_limit, offset);
        status = transfer(*source, data, file, offset, file.report);
        begun = data.begun;
    } catch (const StatusError&) {
        if (renaming && tools_.control.features().rest_stream) {
            tools_.shared.leftovers.keep(identity_of(request_, item), file.temp_name);
        }
        throw;
    }
    if (status.ok()) {
        stored_ = std::move(file);
        return;
    }
    if (begun) {
        discard(file.temp_name);
    }
    if (renaming && status.code() == StatusCode::permission) {
        // The temporary directory serves every item alike.
        status = Status(status.code(), StatusScope::session, status.text(), status.protocol_code());
    }
    sink_.done(index, status, file.report);
    if (ends_session(status)) {
        throw StatusError(status);
    }
}

std::uint64_t Put::resume_at(const std::string& temp_name, const PutItem& item) {
    const auto there = size_of(tools_.control.call(tools_.control.with_path("SIZE", temp_name)));
    return there && *there <= item.size ? *there : 0;
}

Status Put::transfer(SourceFile& source, OpenedData& data, const Stored& file, std::uint64_t offset,
                     PutReport& report) {
    if (!data.wire) {
        return reply_failure(data.refusal, During::transfer, "store " + file.final_name);
    }
    bool sent = false;
    Status status;
    try {
        status = send(source, *data.wire, offset, request_.items[file.index].size, report);
        sent = status.ok();
        if (sent) {
            data.wire->finish_writing();
        }
    } catch (const StatusError& error) {
        if (error.status().code() != StatusCode::connection_lost) {
            throw;
        }
        status = error.status();  // the server may say why
    }
    if (!sent) {
        data.wire.reset();
    }
    const Status end = end_transfer(data);
    if (status.ok() || (status.code() == StatusCode::connection_lost && !end.ok())) {
        return end;
    }
    return status;
}

Status Put::send(SourceFile& source, Wire& wire, std::uint64_t offset, std::uint64_t size,
                 PutReport& report) {
    while (offset < size) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, size - offset));
        if (const Status status = source.read(offset, buffer_.get(), length); !status.ok()) {
            return status;
        }
        tools_.context.acquire(length);
        if (tools_.context.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::item, "cancelled"});
        }
        wire.write({buffer_.get(), length});
        tools_.context.progress(length);
        report.bytes_sent += length;
        offset += length;
    }
    return source.check_unchanged();
}

/// Reads what the server says of the transfer. The data connection is closed only then: a server may still
/// read from it, and would be cut off where it has sent something that nobody has read (TLS tickets).
Status Put::end_transfer(OpenedData& data) {
    if (!data.begun) {
        data.refusal = tools_.control.read_reply();
        data.begun = data.refusal.preliminary();
    }
    const Reply end = data.begun ? tools_.data.end_of_transfer() : data.refusal;
    data.wire.reset();
    return end.completed() ? Status{} : reply_failure(end, During::transfer, "store");
}

void Put::discard(const std::string& temp_name) {
    tools_.control.queue(tools_.control.with_path("DELE", temp_name), [](const Reply&) {});
    tools_.control.exchange();
}

void Put::queue_next_steps() {
    queue_publication();
    queue_proof();
}

void Put::queue_publication() {
    if (!proved_) {
        return;
    }
    // Shared by the handlers of its commands; the last one reports.
    const auto file = std::make_shared<Stored>(*std::exchange(proved_, std::nullopt));
    Control& control = tools_.control;
    if (control.features().mfmt) {
        const std::int64_t mtime_ns = request_.items[file->index].mtime_ns;
        control.queue(control.with_path("MFMT " + format_time_value(mtime_ns), file->temp_name),
                      [](const Reply&) {});
    }
    if (file->temp_name == file->final_name) {
        control.queue("NOOP", [this, file](const Reply&) { sink_.done(file->index, {}, file->report); });
        return;
    }
    control.queue(control.with_path("RNFR", file->temp_name), [file](const Reply& reply) {
        if (!reply.intermediate()) {
            file->failure = reply_failure(reply, During::request,
                                          "publish " + file->final_name + " from its temporary name");
        }
    });
    control.queue(control.with_path("RNTO", file->final_name), [this, file](const Reply& reply) {
        if (file->failure.ok() && !reply.completed()) {
            file->failure = reply_failure(reply, During::request, "publish " + file->final_name);
        }
        sink_.done(file->index, file->failure, file->report);
        if (!file->failure.ok()) {
            unpublished_.push_back(file->temp_name);
        }
    });
}

void Put::queue_proof() {
    if (!stored_) {
        return;
    }
    const auto file = std::make_shared<Stored>(*std::exchange(stored_, std::nullopt));
    tools_.control.queue(tools_.control.with_path("SIZE", file->temp_name), [this, file](const Reply& reply) {
        const std::uint64_t wanted = request_.items[file->index].size;
        const auto found = size_of(reply);
        if (found == wanted) {
            proved_ = *file;
            return;
        }
        Status failure = found ? Status(StatusCode::corrupt, StatusScope::item,
                                        "the server has " + std::to_string(*found) + " of " +
                                            std::to_string(wanted) + " bytes of " + file->final_name)
                               : reply_failure(reply, During::request, "size of " + file->final_name);
        sink_.done(file->index, failure, file->report);
        unpublished_.push_back(file->temp_name);
    });
}

void Put::finish() {
    while (stored_ || proved_) {
        queue_next_steps();
        tools_.control.exchange();
    }
    for (const std::string& temp_name : unpublished_) {
        discard(temp_name);
    }
}

}  // namespace mistamover::ftp
