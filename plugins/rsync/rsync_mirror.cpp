// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_mirror.hpp"

#include "rsync/complaints.hpp"
#include "rsync/mirror_filter.hpp"
#include "rsync/rsync_output.hpp"

namespace mistamover::rsync {
namespace {

bool is_partial(const ChildEnd& end) {
    return end.result.exited_with(exit_partial) || end.result.exited_with(exit_vanished);
}

}  // namespace

MirrorRun::MirrorRun(Runner& runner, const CommandBuilder& commands, std::string_view temp_dir,
                     const MirrorRequest& request, MirrorSink& sink)
    : runner_(runner),
      commands_(commands),
      request_(request),
      sink_(sink),
      temp_dir_(temp_dir),
      rules_(filter_rules(request)) {}

// A daemon does not tell that it stopped at --max-delete, and a source that was emptied by mistake should not
// be followed step by step: so what vanished is counted first.
Status MirrorRun::run() {
    if (!request_.remove_vanished || request_.max_remove == UINT64_MAX) {
        return send(request_.remove_vanished ? std::optional(request_.max_remove) : std::nullopt);
    }
    std::uint64_t vanished = 0;
    if (const Status status = count_vanished(vanished); !status.ok()) {
        return status;
    }
    if (vanished <= request_.max_remove) {
        return send(request_.max_remove);
    }
    const Status status = send(std::nullopt);
    return status.ok() ? Status(StatusCode::configuration, StatusScope::item,
                                std::to_string(vanished) +
                                    " entries at the target are no longer in the source, and max_delete is " +
                                    std::to_string(request_.max_remove) +
                                    ": none is deleted (raise outgoing.max_delete if this is meant)")
                       : status;
}

Status MirrorRun::count_vanished(std::uint64_t& count) {
    const ChildEnd end = runner_.run_transfer(
        {commands_.mirror_preview(request_.source_root), rules_}, 0, [&](std::string_view line) {
            const auto item = parse_item_line(line);
            const bool removed = item && item->what == ItemLine::What::removed;
            count += removed ? 1 : 0;
        });
    return end.result.exited_with(0) || is_partial(end) ? Status{} : runner_.failure(end);
}

// What a killed rsync leaves beside the files in a directory, a pass removes as it removes anything else. In
// the target directory itself it would stay, as all dot-names do: so files there go first, by way of the
// temporary directory. What then keeps one of them from its place, the second run may remove, or tell.
Status MirrorRun::send(std::optional<std::uint64_t> max_remove) {
    const Status at_top = run_rsync(commands_.mirror_top(request_.source_root));
    return at_top.scope() == StatusScope::item ? run_rsync(commands_.mirror(request_.source_root, max_remove))
                                               : at_top;
}

Status MirrorRun::run_rsync(const Arguments& arguments) {
    const ChildEnd end =
        runner_.run_transfer({arguments, rules_}, 0, [this](std::string_view line) { report_line(line); });
    if (end.result.exited_with(0)) {
        return {};
    }
    if (end.result.exited_with(exit_delete_limit)) {
        return {StatusCode::configuration, StatusScope::item,
                "more entries vanished from the source meanwhile than max_delete allows", exit_delete_limit};
    }
    return is_partial(end) ? failure_of_part(end) : runner_.failure(end);
}

Status MirrorRun::failure_of_part(const ChildEnd& end) const {
    if (end.result.exited_with(exit_vanished)) {
        return {StatusCode::source_changed, StatusScope::item,
                "something vanished before it was sent: " + reason_in(end.errors), exit_vanished};
    }
    const Complaints complaints(end.errors, temp_dir_);
    const Status status = complaints.of_session();
    return status.ok() ? complaints.of_any() : status;
}

void MirrorRun::report_line(std::string_view line) {
    const auto item = parse_item_line(line);
    if (!item) {
        return;
    }
    if (item->what == ItemLine::What::removed) {
        sink_.removed(item->path);
    } else if (item->what != ItemLine::What::unchanged) {
        const std::uint64_t bytes = item->what == ItemLine::What::sent ? item->size : 0;
        runner_.context().progress(bytes);
        sink_.sent(item->path, bytes);
    }
}

}  // namespace mistamover::rsync
