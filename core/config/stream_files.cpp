// SPDX-License-Identifier: BSD-3-Clause
#include "config/stream_files.hpp"

#include <algorithm>
#include <set>

#include "config/keys.hpp"
#include "config/nearest_name.hpp"

namespace mistamover::config {
namespace {

class StreamFileSearch {
  public:
    StreamFileSearch(const Document& global, Configuration& result) : global_(global), result_(result) {}

    std::vector<StreamFile> listed(const std::vector<std::string>& names,
                                   const std::filesystem::path& directory) {
        const RawValue* written = global_.find("global", "data_stream_list");
        const auto position = [&](std::size_t i) {
            return written != nullptr && i < written->values_at.size() ? written->values_at[i] : Position{};
        };
        if (names.empty()) {
            report(written == nullptr ? Position{} : written->at, "",
                   "`global.data_stream_list` names no stream; leave it out to use every *.yaml in " +
                       directory.string());
        }
        std::error_code ignored;
        std::vector<std::string> there;
        for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
            if (entry.path().extension() == ".yaml") {
                there.push_back(entry.path().stem().string());
            }
        }
        std::vector<StreamFile> files;
        std::set<std::string> met;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (!usable_as_file_name(names[i]) || names[i].starts_with('.')) {
                report(position(i), "",
                       "`global.data_stream_list`: `" + shown(names[i]) + "` cannot be a stream's name");
            } else if (!met.insert(names[i]).second) {
                report(position(i), "", "`global.data_stream_list` names `" + shown(names[i]) + "` twice");
            } else if (std::find(there.begin(), there.end(), names[i]) == there.end()) {
                report(position(i), names[i],
                       "`global.data_stream_list` names `" + shown(names[i]) + "`, but there is no file " +
                           (directory / (names[i] + ".yaml")).string() + did_you_mean(names[i], there));
            } else {
                files.push_back({directory / (names[i] + ".yaml"), names[i]});
            }
        }
        return files;
    }

    std::vector<StreamFile> all(const std::filesystem::path& directory) {
        std::vector<StreamFile> files;
        std::error_code error;
        std::filesystem::directory_iterator entry(directory, error);
        for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
            const std::filesystem::path& path = entry->path();
            if (path.filename().string().starts_with('.')) {
                continue;
            }
            if (path.extension() == ".yaml") {
                files.push_back({path, path.stem().string()});
            } else if (path.extension() == ".yml") {
                result_.warnings.push_back(
                    {path, 0, 0, "", "is ignored: a stream's file must be called *.yaml"});
            }
        }
        if (error) {
            const RawValue* written = global_.find("global", "config_dir");
            report(written == nullptr ? Position{} : written->at, "",
                   "`global.config_dir` cannot be read: " + directory.string() + ": " + error.message() +
                       "; create it and put a file for each stream there");
        }
        std::sort(files.begin(), files.end(),
                  [](const StreamFile& a, const StreamFile& b) { return a.file < b.file; });
        return files;
    }

  private:
    void report(Position at, const std::string& stream, const std::string& text) {
        result_.problems.push_back({global_.file, at.line, at.column, stream, text});
    }

    const Document& global_;
    Configuration& result_;
};

}  // namespace

std::vector<StreamFile> stream_files(const Document& global, Configuration& result) {
    const auto& settings = result.global["global"];
    const auto directory = settings.find("config_dir");
    if (directory == settings.end() || directory->second.empty()) {
        return {};
    }
    StreamFileSearch search(global, result);
    const auto listed = settings.find("data_stream_list");
    return listed == settings.end() ? search.all(directory->second.front())
                                    : search.listed(listed->second, directory->second.front());
}

}  // namespace mistamover::config
