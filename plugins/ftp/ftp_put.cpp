// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_put.hpp"

#include <memory>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_listing.hpp"
#include "ftp/ftp_name_trial.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_probe.hpp"
#include "ftp/ftp_resume.hpp"
#include "ftp/ftp_trial.hpp"

namespace mistamover::ftp {
namespace {

// Of a smaller one nothing would be left to go on with.
constexpr std::uint64_t resumable_size = 8ULL << 20U;

/// What `look` finds when it compares a leftover with its source. Where it is kept from that, the leftover is
/// not lost, unless that happens again: some servers end the connection over such a look.
template <typename Look>
auto look_at_leftover(Leftovers& leftovers, const std::string& target, Leftover leftover, const Look& look) {
    try {
        return look(leftover);
    } catch (const StatusError&) {
        if (!std::exchange(leftover.broke_a_look, true)) {
            leftovers.keep(target, std::move(leftover));
        }
        throw;
    }
}

Status no_size(const Reply& reply, const std::string& doing) {
    if (reply.completed()) {
        return not_understood(reply, doing);
    }
    return reply.passing_failure() ? session_failure(reply, During::request, doing)
                                   : reply_failure(reply, During::request, doing);
}

Status of_session(const Status& status) {
    return {status.code(), StatusScope::session, status.text(), status.protocol_code()};
}

/// Whether the server has failed a file that was gone on with: sent anew it may arrive, so it loses no try.
bool fails_to_go_on(const Leftover& start, const Status& status) {
    return !start.temp_name.empty() && status.scope() == StatusScope::item &&
           (status.protocol_code() != 0 || status.code() == StatusCode::corrupt);
}

bool ends_session(const Status& status) {
    return !status.ok() && (status.scope() != StatusScope::item || status.code() == StatusCode::cancelled);
}

}  // namespace

Put::Put(Tools tools, const PutRequest& request, PutSink& sink)
    : tools_(tools), request_(request), sink_(sink), source_root_(request.source_root), upload_(tools) {}

Status Put::run() {
    try {
        for (std::size_t index = 0; index < request_.items.size(); ++index) {
            if (tools_.context.cancelled()) {
                return {StatusCode::cancelled, StatusScope::item, "cancelled"};
            }
            settle_unpublished();
            put(index);
        }
        finish();
        return {};
    } catch (const StatusError& error) {
        // Whatever was not reported is looked for at the target before it is sent again.
        give_up_held();
        return error.status();
    } catch (...) {
        give_up_held();
        throw;
    }
}

/// A server may come to the renaming commands long after another session has sent another state of the same
/// file. They fail if their file is gone by then: whoever sends to that name next removes it first.
void Put::give_up_held() {
    for (const auto& [final_name, temp_name] : std::exchange(held_, {})) {
        const std::string of_no_source;
        tools_.shared.leftovers.keep(final_name, {temp_name, of_no_source});
    }
}

void Put::report(const Stored& file, const Status& status) {
    held_.erase(file.final_name);
    sink_.done(file.index, status, file.report);
}

void Put::put(std::size_t index) {
    const PutItem& item = request_.items[index];
    const std::string path = join(request_.target_prefix, item.path);
    Status status = can_carry(path) ? check_name_kept(tools_, path) : cannot_carry(path);
    if (status.ok()) {
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
    return reply_failure(made, During::change, "make directory " + path);
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
    store(*source, std::move(file));
}

void Put::store(SourceFile& source, Stored file) {
    const std::uint64_t size = request_.items[file.index].size;
    const std::uint64_t offset = choose_temp_name(file, source);
    queue_next_steps();
    Upload::Result result;
    try {
        result = upload_.store(source, file.temp_name, offset, size, file.report);
    } catch (const StatusError& error) {
        keep_leftover(file, source, offset);
        warn_of_direct(file, error.status());
        throw;
    }
    if (result.status.ok() && offset > 0) {
        result.status = look_at_leftover(
            tools_.shared.leftovers, file.final_name,
            {file.temp_name, source.identity(), size, file.start.broke_a_look},
            [&](const Leftover& whole) { return check_resumed(tools_, whole.temp_name, source, size); });
    }
    if (result.status.ok()) {
        if (file.resumable) {
            held_.emplace(file.final_name, file.temp_name);
        }
        stored_ = std::move(file);
        return;
    }
    store_failed(file, source, offset, result);
}

void Put::store_failed(const Stored& file, const SourceFile& source, std::uint64_t offset,
                       const Upload::Result& result) {
    if (file.resumable && result.status.code() == StatusCode::connection_lost) {
        keep_leftover(file, source, offset);
    } else if (result.untouched && !file.start.broke_a_look) {
        keep_start(file);
    } else if (result.partial) {
        discard(file.temp_name);
    }
    failed(file, result.status);
}

/// Returns where to begin in a file of that name.
std::uint64_t Put::choose_temp_name(Stored& file, SourceFile& source) {
    file.temp_name = file.final_name;
    if (request_.publish != Publish::rename) {
        return 0;
    }
    if (!std::exchange(temp_made_, true)) {
        tools_.control.queue(tools_.control.with_path("MKD", tools_.options.temp_dir), [](const Reply&) {});
    }
    file.resumable =
        request_.items[file.index].size >= resumable_size && tools_.control.features().rest_stream;
    if (const auto leftover = tools_.shared.leftovers.take(file.final_name)) {
        const std::uint64_t offset =
            look_at_leftover(tools_.shared.leftovers, file.final_name, *leftover,
                             [&](const Leftover& start) { return offset_to_resume(tools_, start, source); });
        if (offset > 0) {
            tools_.context.log(LogLevel::info,
                               "goes on with " + file.final_name + " at byte " + std::to_string(offset));
            file.temp_name = leftover->temp_name;
            file.start = *leftover;
            return offset;
        }
        discard(leftover->temp_name);
    }
    file.temp_name = tools_.shared.temp_names.next(tools_.options, file.resumable);
    return 0;
}

void Put::keep_leftover(const Stored& file, const SourceFile& source, std::uint64_t offset) {
    if (file.resumable) {
        tools_.shared.leftovers.keep(file.final_name,
                                     {file.temp_name, source.identity(), offset + file.report.bytes_sent});
    }
}

/// Once only: some servers never go on with a file, and say each time that another time they may.
void Put::keep_start(const Stored& file) {
    Leftover start = file.start;
    start.broke_a_look = true;
    tools_.shared.leftovers.keep(file.final_name, std::move(start));
}

/// Where nothing was heard of the end, a process of the server may not have noticed it yet, and may delete by
/// its name what another session has sent and proved meanwhile. No failure would help: an item's would end in
/// the quarantine long before the server has given up, a session's would hold back all other files.
void Put::warn_of_direct(const Stored& file, const Status& status) {
    const bool unheard =
        status.code() == StatusCode::connection_lost || status.code() == StatusCode::timed_out;
    if (request_.publish == Publish::rename || !unheard || tools_.shared.warned_of_direct.exchange(true)) {
        return;
    }
    tools_.context.log(
        LogLevel::warning,
        "the server did not say how the upload of " + printable(file.final_name) +
            " ended, under its final name (outgoing.publish: direct). A server that deletes "
            "unfinished uploads (delete_failed_uploads of vsftpd, DeleteAbortedStores of "
            "ProFTPD) may do so late, when the file has been sent again: switch that off there. "
            "This is said once");
}

/// Throws where the session has failed with it.
void Put::failed(const Stored& file, Status status) {
    if (fails_to_go_on(file.start, status) || is_refused_to_all(status)) {
        status = of_session(status);
    }
    sink_.done(file.index, status, file.report);
    if (ends_session(status)) {
        throw StatusError(status);
    }
}

/// Whether it is not the file that the server refuses, but any in the temporary directory. What a server
/// refuses when it has seen it all, as for a virus, is that file's own.
bool Put::is_refused_to_all(const Status& status) {
    const bool by_server = status.protocol_code() != 0;
    const bool may_be_of_all =
        status.code() == StatusCode::permission || status.code() == StatusCode::unsupported;
    if (!by_server || request_.publish != Publish::rename || !may_be_of_all) {
        return false;
    }
    return !is_for_good(status) || !can_store(tools_);
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
    if (tools_.keeps_times()) {
        const std::int64_t mtime_ns = request_.items[file->index].mtime_ns;
        control.queue(control.with_path("MFMT " + format_time_value(mtime_ns), file->temp_name),
                      [](const Reply&) {});
    }
    if (file->temp_name == file->final_name) {
        control.queue("NOOP", [this, file](const Reply&) { report(*file, {}); });
        return;
    }
    control.queue(control.with_path("RNFR", file->temp_name), [file](const Reply& reply) {
        if (!reply.intermediate()) {
            file->failure = rename_failure(reply, "publish " + file->final_name + " from its temporary name");
        }
    });
    control.queue(control.with_path("RNTO", file->final_name), [this, file](const Reply& reply) {
        if (file->failure.ok() && !reply.completed()) {
            file->failure = rename_failure(reply, "publish " + file->final_name);
        }
        if (file->failure.ok()) {
            report(*file, {});
        } else {
            refused_.push_back(*file);
        }
    });
}

void Put::queue_proof() {
    if (!stored_) {
        return;
    }
    const auto file = std::make_shared<Stored>(*std::exchange(stored_, std::nullopt));
    const std::string command = tools_.control.with_path(size_command(tools_.shared), file->temp_name);
    tools_.control.queue(command, [this, file](const Reply& reply) {
        const std::uint64_t wanted = request_.items[file->index].size;
        const auto found = told_size(reply);
        if (found == wanted) {
            proved_ = *file;
            return;
        }
        Status failure = found ? Status(StatusCode::corrupt, StatusScope::item,
                                        "the server has " + std::to_string(*found) + " of " +
                                            std::to_string(wanted) + " bytes of " + file->final_name)
                               : no_size(reply, "size of " + file->final_name);
        if (fails_to_go_on(file->start, failure)) {
            failure = of_session(failure);
        }
        if (!found && request_.publish != Publish::rename) {
            // It lies where readers take it from, who may have taken it already.
            report(*file, failure.with_outcome_unknown());
            return;
        }
        report(*file, failure);
        unpublished_.push_back(file->temp_name);
    });
}

/// Reports those whose names were refused, once no other reply is outstanding. Throws where it was not for
/// their names.
void Put::settle_unpublished() {
    Status worst;
    for (const Stored& file : std::exchange(refused_, {})) {
        const Status failure = worst.ok() ? refused_name(tools_, file.final_name, file.failure) : worst;
        report(file, failure);
        discard(file.temp_name);
        worst = ends_session(failure) ? failure : worst;
    }
    if (!worst.ok()) {
        throw StatusError(worst);
    }
}

void Put::finish() {
    while (stored_ || proved_) {
        queue_next_steps();
        tools_.control.exchange();
    }
    settle_unpublished();
    for (const std::string& temp_name : unpublished_) {
        discard(temp_name);
    }
}

}  // namespace mistamover::ftp
