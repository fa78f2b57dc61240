// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_session.hpp"

#include <algorithm>
#include <poll.h>

#include "ftp/ftp_digest.hpp"
#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_name_trial.hpp"
#include "ftp/ftp_path.hpp"
#include "ftp/ftp_probe.hpp"
#include "ftp/ftp_removal.hpp"
#include "ftp/ftp_stat.hpp"

namespace mistamover::ftp {
namespace {

// Servers and firewalls end connections after minutes.
constexpr std::chrono::seconds doubtful_after{30};

}  // namespace

FtpSession::FtpSession(const FtpOptions& options, const TlsClient& tls, ModuleState& shared,
                       SessionContext& context)
    : options_(options), tls_(tls), shared_(shared), context_(context) {
    const NoSigpipe no_sigpipe;
    connect();
}

FtpSession::~FtpSession() {
    const NoSigpipe no_sigpipe;
    give_up();
}

void FtpSession::give_up() {
    data_.reset();
    control_.reset();
}

void FtpSession::connect() {
    control_.emplace(options_, tls_, context_, shared_.logged_in.load());
    data_.emplace(options_, tls_, context_, *control_);
    shared_.logged_in = true;
    last_use_ = std::chrono::steady_clock::now();
    if (!shared_.probed) {
        const std::unique_lock one_probes = wait_to_probe();
        if (!shared_.probed) {
            control_->count_steps(&shared_.probe_steps);
            learn_server(tools());
            control_->count_steps(nullptr);
        }
    }
}

/// Another session may be finding these out. It is waited for as long as the server answers it: no step of it
/// may take longer than a connection that is made and a silence behind it.
std::unique_lock<std::mutex> FtpSession::wait_to_probe() {
    using Clock = std::chrono::steady_clock;
    constexpr int between_looks_ms = 100;
    const auto patience = options_.connect_timeout + control_->silence();
    std::uint64_t steps = shared_.probe_steps;
    auto deadline = Clock::now() + patience;
    std::unique_lock lock(shared_.probing, std::try_to_lock);
    while (!lock.owns_lock()) {
        pollfd cancelled{context_.cancel_fd(), POLLIN, 0};
        ::poll(&cancelled, 1, between_looks_ms);
        if (context_.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::item, "cancelled"});
        }
        if (const std::uint64_t now = shared_.probe_steps; now != steps) {
            steps = now;
            deadline = Clock::now() + patience;
        } else if (Clock::now() > deadline) {
            throw StatusError({StatusCode::timed_out, StatusScope::session,
                               "the server has not answered another session, which finds out what it can do, "
                               "for " +
                                   format_duration(patience)});
        }
        (void)lock.try_lock();
    }
    return lock;
}

/// Runs `call` on a connection that works as far as can be told. After a failure that leaves open what the
/// server still has to say, the connection is given up: its replies would be taken for those to other
/// commands.
Status FtpSession::guarded(const std::function<Status()>& call) {
    const NoSigpipe no_sigpipe;
    try {
        const auto now = std::chrono::steady_clock::now();
        if (control_ &&
            (control_->is_stale() || (now - last_use_ > doubtful_after && !control_->is_alive()))) {
            give_up();
        }
        if (!control_) {
            connect();
        }
        control_->set_name_rules({shared_.doubles_iac});  // which another session may have learnt
        Status status = call();
        last_use_ = std::chrono::steady_clock::now();
        if (!status.ok() && (status.scope() != StatusScope::item || status.code() == StatusCode::cancelled)) {
            give_up();
        }
        return status;
    } catch (...) {
        give_up();
        throw;
    }
}

Capabilities FtpSession::capabilities() {
    Capabilities found = Capability::remove | Capability::make_directory;
    if (shared_.lists) {
        found = found | Capability::list;
    }
    if (shared_.renames_over) {
        found = found | Capability::rename | Capability::publish_rename;
    }
    if (control_ && tools().keeps_times()) {
        found = found | Capability::set_time;
    }
    if (control_ && control_->features().rest_stream) {
        found = found | Capability::resume;
    }
    if (control_ && (control_->features().md5 || control_->features().sha256)) {
        found = found | Capability::checksum;
    }
    return found;
}

Status FtpSession::put(const PutRequest& request, PutSink& sink) {
    return guarded([&] { return Put(tools(), request, sink).run(); });
}

/// The paths that can be told the server and be understood by it as they are meant. The others, which might
/// mean other files, are not asked about.
std::vector<std::size_t> FtpSession::speakable(
    std::span<const std::string_view> paths,
    const std::function<void(std::size_t, const Status&)>& leave_out) {
    const bool any_255 = std::any_of(paths.begin(), paths.end(), has_byte_255);
    const Status rules = any_255 ? learn_name_rules(tools()) : Status{};
    std::vector<std::size_t> indices;
    indices.reserve(paths.size());
    for (std::size_t index = 0; index < paths.size(); ++index) {
        if (!can_carry(paths[index])) {
            leave_out(index, cannot_carry(paths[index]));
        } else if (!rules.ok() && has_byte_255(paths[index])) {
            leave_out(index, rules);
        } else {
            indices.push_back(index);
        }
    }
    return indices;
}

Status FtpSession::stat(std::span<const std::string_view> paths, StatSink& sink) {
    return guarded([&] {
        const auto leave_out = [&](std::size_t index, const Status& why) { sink.entry(index, why, {}); };
        Stat(tools(), paths, sink).run(speakable(paths, leave_out));
        return Status{};
    });
}

Status FtpSession::get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) {
    return guarded([&] {
        if (Status status = check_name_read(tools(), path); !status.ok()) {
            return status;
        }
        Reply reply;
        const std::string content = data_->fetch(control_->with_path("RETR", path), limit + 1, reply);
        if (content.size() > limit) {
            return Status(StatusCode::unsupported, StatusScope::item,
                          std::string(path) + " is longer than " + std::to_string(limit) + " bytes");
        }
        if (!reply.completed()) {
            return Lookup(tools()).refusal(reply, "read", path);
        }
        sink.bytes(content);
        return Status{};
    });
}

Status FtpSession::list(std::string_view path, ListSink& sink) {
    return guarded([&] {
        Status status = check_name_read(tools(), path);
        Lookup lookup(tools());
        std::vector<ListedEntry> entries;
        if (status.ok()) {
            status = lookup.list(path, entries);
        }
        if (status.ok()) {
            // Nobody else compares them, and each costs a command.
            if (options_.mirrors) {
                lookup.add_times(path, entries);
            }
            for (const ListedEntry& entry : entries) {
                sink.entry(entry.name, entry.info);
            }
        }
        return status;
    });
}

Status FtpSession::remove(std::span<const std::string_view> paths, RemoveSink& sink) {
    return guarded([&] {
        const auto leave_out = [&](std::size_t index, const Status& why) { sink.done(index, why); };
        const std::vector<std::size_t> indices = speakable(paths, leave_out);
        Removal(tools(), paths, sink).run(indices);
        return Status{};
    });
}

// Not by RNFR, after which some servers take nothing but RNTO.
bool FtpSession::exists(std::string_view path) {
    const char* command = control_->features().mlst ? "MLST" : "SIZE";
    return control_->call(control_->with_path(command, path)).completed() || control_->is_directory(path);
}

Status FtpSession::rename(std::string_view from, std::string_view to) {
    return guarded([&] {
        Status status = check_name_read(tools(), from);
        if (status.ok()) {
            status = check_name_kept(tools(), to);
        }
        if (!status.ok()) {
            return status;
        }
        Reply ready;
        Reply renamed;
        control_->queue(control_->with_path("RNFR", from), [&](const Reply& reply) { ready = reply; });
        control_->queue(control_->with_path("RNTO", to), [&](const Reply& reply) { renamed = reply; });
        control_->exchange();
        if (ready.passing_failure()) {
            return session_failure(ready, During::request, "rename " + std::string(from));
        }
        if (!ready.intermediate()) {
            return Lookup(tools()).refusal(ready, "rename", from);
        }
        if (renamed.completed()) {
            return Status{};
        }
        const Status failure = rename_failure(renamed, "rename to " + std::string(to));
        if (failure.scope() == StatusScope::item && control_->is_directory(to)) {
            return Status(StatusCode::exists, StatusScope::item,
                          std::string(to) + " is there already and cannot be replaced", renamed.code);
        }
        return refused_name(tools(), to, failure);
    });
}

Status FtpSession::make_directory(std::string_view path) {
    return guarded([&] {
        if (Status status = check_name_kept(tools(), path); !status.ok()) {
            return status;
        }
        const Reply made = control_->call(control_->with_path("MKD", path));
        if (made.completed()) {
            return Status{};
        }
        if (exists(path)) {
            return Status(StatusCode::exists, StatusScope::item, std::string(path) + " is there already",
                          made.code);
        }
        return reply_failure(made, During::change, "make directory " + std::string(path));
    });
}

Status FtpSession::checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) {
    return guarded([&] {
        if (!can_compute(control_->features(), algorithm)) {
            return cannot_compute(algorithm, "");
        }
        if (Status status = check_name_read(tools(), path); !status.ok()) {
            return status;
        }
        const Reply reply = ask_for_digest(*control_, path, algorithm);
        const auto digest = digest_of(reply, path, algorithm);
        if (!digest) {
            return reply.completed() ? no_digest(reply, path, algorithm)
                                     : Lookup(tools()).refusal(reply, "compute the checksum of", path);
        }
        sink.bytes(*digest);
        return Status{};
    });
}

}  // namespace mistamover::ftp
