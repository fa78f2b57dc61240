// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_directory.hpp"

#include <memory>
#include <string_view>
#include <vector>

#include <mistamover/leftovers.hpp>

#include "stream/proof.hpp"
#include "stream/target_tree.hpp"

namespace mistamover::stream {

TargetDirectory::Seen TargetDirectory::look(bool with_temp_dir) {
    Seen seen;
    std::vector<std::string_view> names{settings_.stop_file};
    if (with_temp_dir) {
        names.push_back(temp_dir_);
    }
    const std::unique_ptr<const AliasProbe> probe =
        settings_.mode == TransferMode::move ? alias_.probe() : nullptr;
    if (probe) {
        names.push_back(probe->name());
    }
    StatCollector collector(names.size());
    seen.status = session_.call_stat(names, collector);
    if (!seen.status.ok()) {
        return seen;
    }
    if (probe) {
        alias_.note(collector[names.size() - 1]);
    }
    const auto is_missing = [&](std::size_t index) {
        return collector[index].status && collector[index].status->code() == StatusCode::not_found;
    };
    seen.temp_dir = !with_temp_dir || !is_missing(1);
    const auto& stop_file = collector[0];
    seen.stop_file = stop_file.status && stop_file.status->ok();
    if (!seen.stop_file && !is_missing(0)) {
        const std::string why = stop_file.status ? ": " + std::string(stop_file.status->text()) : "";
        seen.status = {StatusCode::unreachable, StatusScope::session,
                       "it cannot be told whether the target has a stop file" + why};
    }
    return seen;
}

BatchResult TargetDirectory::clean(Cleaning cleaning, bool ask_for_stop) {
    BatchResult result;
    result.asked_for_stop = ask_for_stop;
    const Seen seen = ask_for_stop ? look(true) : Seen{};
    result.session = seen.status;
    result.target_suspended = seen.stop_file;
    if (result.session.ok() && seen.temp_dir) {
        result.session = empty_temp_dir(cleaning, result.kept_leftovers);
    }
    return result;
}

Status TargetDirectory::empty_temp_dir(Cleaning cleaning, bool& kept) {
    if (!capabilities_.has(Capability::list) || !capabilities_.has(Capability::remove)) {
        return {};
    }
    const bool keep_some = cleaning == Cleaning::but_resumable && capabilities_.has(Capability::resume);
    const std::string prefix = temp_dir_ + '/' + std::string(resumable_prefix);
    return remove_tree(session_, temp_dir_, [&](const std::string& path) {
        const bool keep = keep_some && path.starts_with(prefix);
        kept = kept || keep;
        return keep;
    });
}

Status TargetDirectory::leave() {
    const bool removed = capabilities_.has(Capability::remove) && remove_all(session_, {temp_dir_}).ok();
    return removed ? Status{} : clean(Cleaning::all, false).session;
}

}  // namespace mistamover::stream
