// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <mistamover/transfer_module.hpp>

namespace mistamover::test {

/// A session whose target is a map, and which does as the test says.
class FakeSession final : public Session {
  public:
    std::map<std::string, EntryInfo> target;
    std::map<std::string, std::string> checksums;
    std::map<std::string, std::string> contents;  ///< What get_small and get_many find.
    /// Of the items of a put and the names of a stat: what is said of them instead.
    std::map<std::string, Status> failures;
    std::set<std::string> silent;
    Status stat_result;
    Status get_many_result;  ///< Not ok: it ends so, with no word of any file.
    Capabilities able;
    bool takes = false;  ///< A put tells that it has taken the sources, where it may.
    /// Called for every item before it is put; may throw.
    std::function<void(const PutItem&)> on_put;
    std::size_t stats = 0;  ///< Of so many names.
    /// What a stat finds beside that.
    std::function<bool(const std::string&)> is_there_too;
    std::function<void(const std::string&)> on_make_directory;
    std::size_t excluded_from_mirror = 0;
    std::vector<std::string> calls;  ///< "put a", "remove b" and so on, in order.

    Capabilities capabilities() override { return able; }

    Status put(const PutRequest& request, PutSink& sink) override {
        for (std::size_t i = 0; i < request.items.size(); ++i) {
            const PutItem& item = request.items[i];
            const std::string path(item.path);
            calls.push_back("put " + path);
            if (on_put) {
                on_put(item);
            }
            const Status status = failure_of(path);
            if (status.scope() != StatusScope::item) {
                return status;
            }
            if (status.ok()) {
                target[path] = {item.size, item.mtime_ns, 1, item.mode, item.kind};
            }
            if (!silent.contains(path)) {
                sink.done(i, status, {item.size, takes && request.may_take_source});
            }
        }
        return {};
    }

    Status stat(std::span<const std::string_view> paths, StatSink& sink) override {
        stats += paths.size();
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const std::string path(paths[i]);
            const auto found = target.find(path);
            if (silent.contains(path)) {
                continue;
            }
            if (const Status status = failure_of(path); !status.ok()) {
                sink.entry(i, status, {});
            } else if (found == target.end() && is_there_too && is_there_too(path)) {
                sink.entry(i, {}, {});
            } else if (found == target.end()) {
                sink.entry(i, {StatusCode::not_found, StatusScope::item, "not there"}, {});
            } else {
                sink.entry(i, {}, found->second);
            }
        }
        return stat_result;
    }

    Status get_small(std::string_view path, std::uint64_t, BytesSink& sink) override {
        calls.push_back("get " + std::string(path));
        const Status status = failure_to_get(std::string(path));
        if (status.ok()) {
            sink.bytes(contents[std::string(path)]);
        }
        return status;
    }

    Status get_many(std::span<const std::string_view> paths, std::uint64_t, GetSink& sink) override {
        calls.emplace_back("get many");
        if (!get_many_result.ok()) {
            return get_many_result;
        }
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const std::string path(paths[i]);
            const Status status = failure_to_get(path);
            if (status.scope() != StatusScope::item) {
                return status;
            }
            sink.got(i, status, status.ok() ? contents[path] : "");
        }
        return {};
    }

    Status make_directory(std::string_view path) override {
        const std::string name(path);
        calls.push_back("make " + name);
        if (const Status status = failure_of(name); !status.ok()) {
            return status;
        }
        if (on_make_directory) {
            on_make_directory(name);
        }
        target[name].kind = EntryKind::directory;
        return {};
    }

    Status list(std::string_view path, ListSink& sink) override {
        if (!path.empty() && !target.contains(std::string(path))) {
            return {StatusCode::not_found, StatusScope::item, "not there"};
        }
        const std::string prefix = path.empty() ? "" : std::string(path) + '/';
        for (const auto& [name, info] : target) {
            if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos) {
                sink.entry(name.substr(prefix.size()), info);
            }
        }
        return {};
    }

    Status remove(std::span<const std::string_view> paths, RemoveSink& sink) override {
        for (std::size_t i = 0; i < paths.size(); ++i) {
            const std::string path(paths[i]);
            calls.push_back("remove " + path);
            const Status status = failure_of(path);
            if (status.ok()) {
                target.erase(path);
            }
            sink.done(i, status);
        }
        return {};
    }

    /// Sends nothing: what was asked for counts.
    Status mirror(const MirrorRequest& request, MirrorSink&) override {
        calls.emplace_back("mirror");
        excluded_from_mirror = request.excluded.size();
        return {};
    }

    Status checksum(std::string_view path, std::string_view, BytesSink& sink) override {
        if (const Status status = failure_of(std::string(path)); !status.ok()) {
            return status;
        }
        sink.bytes(checksums[std::string(path)]);
        return {};
    }

  private:
    [[nodiscard]] Status failure_to_get(const std::string& path) const {
        const Status status = failure_of(path);
        return status.ok() && !contents.contains(path)
                   ? Status(StatusCode::not_found, StatusScope::item, "not there")
                   : status;
    }

    [[nodiscard]] Status failure_of(const std::string& path) const {
        const auto found = failures.find(path);
        return found == failures.end() ? Status{} : found->second;
    }
};

}  // namespace mistamover::test
