// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_tree.hpp"

#include <string_view>

namespace mistamover::stream {
namespace {

// A bound for what a server may make us recurse into.
constexpr int deepest = 200;

class ListCollector final : public ListSink {
  public:
    explicit ListCollector(std::string prefix) : prefix_(std::move(prefix)) {}
    void entry(std::string_view name, const EntryInfo& info) noexcept override {
        try {
            // A name that cannot be one is a server's attempt at something else.
            if (!name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos) {
                entries.push_back({prefix_ + std::string(name), info});
            }
        } catch (...) {
            complete = false;
        }
    }
    std::vector<TargetEntry> entries;
    bool complete = true;

  private:
    std::string prefix_;
};

class FirstFailure final : public RemoveSink {
  public:
    void done(std::size_t, const Status& result) noexcept override {
        if (status.ok()) {
            status = result;
        }
    }
    Status status;
};

Status list_level(border::Session& session, const std::string& path,
                  const std::function<bool(const std::string&)>& wanted, std::vector<TargetEntry>& entries,
                  int depth) {
    if (depth > deepest) {
        return {StatusCode::unsupported, StatusScope::item, path + " is nested too deeply"};
    }
    ListCollector level(path.empty() ? "" : path + '/');
    if (const Status status = session.call_list(path, level); !status.ok()) {
        return status;
    }
    if (!level.complete) {
        return {StatusCode::internal, StatusScope::item, "there is not enough memory to list " + path};
    }
    for (TargetEntry& entry : level.entries) {
        if (!wanted(entry.path)) {
            continue;
        }
        const bool is_directory = entry.info.kind == EntryKind::directory;
        const std::string inner = entry.path;
        entries.push_back(std::move(entry));
        if (is_directory) {
            const Status status = list_level(session, inner, wanted, entries, depth + 1);
            if (!status.ok() && status.code() != StatusCode::not_found) {
                return status;
            }
        }
    }
    return {};
}

}  // namespace

Status list_tree(border::Session& session, const std::string& path,
                 const std::function<bool(const std::string&)>& wanted, std::vector<TargetEntry>& entries) {
    return list_level(session, path, wanted, entries, 0);
}

Status remove_tree(border::Session& session, const std::string& path,
                   const std::function<bool(const std::string&)>& spared) {
    std::vector<TargetEntry> entries{{path, {}}};
    bool all_goes = true;
    const auto goes = [&](const std::string& inner) {
        const bool spare = spared && spared(inner);
        all_goes = all_goes && !spare;
        return !spare;
    };
    if (const Status status = list_tree(session, path, goes, entries); !status.ok()) {
        return status.code() == StatusCode::not_found ? Status{} : status;
    }
    if (!all_goes) {
        entries.erase(entries.begin());
    }
    std::vector<std::string> paths;
    paths.reserve(entries.size());
    // NOLINTNEXTLINE(modernize-loop-convert): not every compiler that checks this code knows views::reverse
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        paths.push_back(std::move(entry->path));
    }
    return remove_all(session, paths);
}

Status remove_all(border::Session& session, const std::vector<std::string>& paths) {
    if (paths.empty()) {
        return {};
    }
    const std::vector<std::string_view> views(paths.begin(), paths.end());
    FirstFailure sink;
    const Status status = session.call_remove(views, sink);
    return status.ok() ? sink.status : status;
}

}  // namespace mistamover::stream
