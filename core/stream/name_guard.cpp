// SPDX-License-Identifier: BSD-3-Clause
#include "stream/name_guard.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "stream/proof.hpp"

namespace mistamover::stream {
namespace {

class NameCollector final : public ListSink {
  public:
    void entry(std::string_view name, const EntryInfo& /*info*/) noexcept override {
        try {
            names.emplace(name);
        } catch (...) {
            complete = false;
        }
    }
    std::set<std::string, std::less<>> names;
    bool complete = true;
};

bool is_ascii_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string in_other_case(std::string name) {
    constexpr char case_bit = 'a' ^ 'A';
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return is_ascii_letter(c) ? static_cast<char>(c ^ case_bit) : c; });
    return name;
}

std::pair<std::string, std::string> parent_and_name(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::pair(std::string(), path)
                                      : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

}  // namespace

Status taken_for_one(const std::string& path) {
    return {StatusCode::exists, StatusScope::item,
            path +
                ": the target takes this name for another's that differs in the case of letters, or in what "
                "else it does not tell apart"};
}

NameGuard::NameGuard(border::Session& session, Capabilities capabilities, std::string temp_dir,
                     Shared& shared)
    : session_(session), capabilities_(capabilities), temp_dir_(std::move(temp_dir)), shared_(shared) {}

Status NameGuard::can_meet(bool& can) {
    can = false;
    if (capabilities_.has(Capability::tells_case_apart) || !capabilities_.has(Capability::make_directory)) {
        return {};
    }
    Shared::Answer answer = known();
    const Status status = answer == Shared::Answer::unknown ? find_answer(answer) : Status();
    can = answer == Shared::Answer::takes_for_one || answer == Shared::Answer::assumed_one;
    return status;
}

NameGuard::Shared::Answer NameGuard::known() const {
    const Shared::Answer answer = shared_.answer;
    const bool is_assumed = answer == Shared::Answer::assumed_one || answer == Shared::Answer::assumed_apart;
    const bool is_over = is_assumed && std::chrono::steady_clock::now() >= shared_.assumed_until.load();
    return is_over ? Shared::Answer::unknown : answer;
}

// What is shared may be unknown again at once, where another session fails: `answer` is what was found.
Status NameGuard::find_answer(Shared::Answer& answer) {
    const std::lock_guard one_asks(shared_.asking);
    answer = known();
    if (answer != Shared::Answer::unknown) {
        return {};
    }
    Status status = ask(answer);
    if (!status.beyond_item() && answer == Shared::Answer::unknown) {
        status = assume(answer);
    }
    if (status.beyond_item()) {
        return status;
    }
    shared_.answer = answer;
    return {};
}

// A guard that is not needed costs no more than one batch at a time. Where the target cannot be listed there
// is none: with it, nothing would ever be proved. Then it is asked again soon, for the reason may pass, as
// that of a line in the listing that is not understood. But a guard that there was is not given up for that.
Status NameGuard::assume(Shared::Answer& answer) {
    constexpr std::chrono::hours guarded_for{1};
    constexpr std::chrono::minutes unguarded_for{1};
    bool is_listed = false;
    if (capabilities_.has(Capability::list)) {
        NameCollector listed;
        const Status status = session_.call_list("", listed);
        if (status.beyond_item()) {
            return status;
        }
        is_listed = status.ok();
        if (!is_listed && shared_.was_listed) {
            return status.of_session();
        }
        shared_.was_listed = is_listed;
    }
    const auto now = std::chrono::steady_clock::now();
    shared_.assumed_until = is_listed ? now + guarded_for : now + unguarded_for;
    answer = is_listed ? Shared::Answer::assumed_one : Shared::Answer::assumed_apart;
    return {};
}

Status NameGuard::find_out(bool& needed) {
    if (const Status status = can_meet(needed); !status.ok()) {
        return status;
    }
    if (needed && !capabilities_.has(Capability::list)) {
        return {
            StatusCode::configuration, StatusScope::stream,
            "this target does not tell names apart that differ in the case of letters, and cannot list its "
            "files: one unit might replace another; use the arrivals protocol "
            "(outgoing.target_uses_arrival_monitor: true)"};
    }
    return {};
}

Status NameGuard::ask(Shared::Answer& answer) {
    const Status made = session_.call_make_directory(temp_dir_);
    if (!made.ok() && made.code() != StatusCode::exists) {
        return made;
    }
    const std::string other = in_other_case(temp_dir_);
    const std::string_view asked = other;
    StatCollector found(1);
    if (const Status status = session_.call_stat({&asked, 1}, found); !status.ok()) {
        return status;
    }
    const Status seen =
        found[0].status.value_or(Status(StatusCode::internal, StatusScope::item, "no answer"));
    if (seen.beyond_item()) {
        return seen;
    }
    // Nobody else has made it: where there is something, whatever the target calls it, it is that directory.
    if (seen.ok() || seen.code() == StatusCode::exists) {
        answer = Shared::Answer::takes_for_one;
    } else if (seen.code() == StatusCode::not_found) {
        answer = Shared::Answer::tells_apart;
    }
    return {};
}

Status NameGuard::find_others(std::span<const std::string> paths, std::vector<bool>& others) {
    others.assign(paths.size(), false);
    const std::vector<std::string_view> asked(paths.begin(), paths.end());
    StatCollector seen(asked.size());
    if (const Status status = session_.call_stat(asked, seen); !status.ok()) {
        return status;
    }
    std::vector<std::string> there;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!seen[i].status || seen[i].status->code() != StatusCode::not_found) {
            there.push_back(paths[i]);
            indices.push_back(i);
        }
    }
    std::vector<bool> missing;
    const Status status = find_missing(there, missing);
    for (std::size_t i = 0; status.ok() && i < there.size(); ++i) {
        others[indices[i]] = missing[i];
    }
    return status;
}

Status NameGuard::find_missing(std::span<const std::string> paths, std::vector<bool>& missing) {
    missing.assign(paths.size(), true);
    std::map<std::string, std::vector<std::pair<std::string, std::size_t>>> by_parent;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        auto [parent, name] = parent_and_name(paths[i]);
        by_parent[std::move(parent)].emplace_back(std::move(name), i);
    }
    for (const auto& [parent, asked] : by_parent) {
        NameCollector listed;
        const Status status = session_.call_list(parent, listed);
        if (!status.ok() && status.code() != StatusCode::not_found) {
            return status;
        }
        if (!listed.complete) {
            return {StatusCode::internal, StatusScope::session, "out of memory"};
        }
        for (const auto& [name, index] : asked) {
            missing[index] = !listed.names.contains(name);
        }
    }
    return {};
}

}  // namespace mistamover::stream
