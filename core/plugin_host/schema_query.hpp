// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "plugin_host/plugin.hpp"

namespace mistamover::plugin_host {

/// What a plugin says of itself.
struct PluginInfo {
    std::filesystem::path library;
    std::string name;
    std::string version;
    std::string summary;
    std::string sdk_version;  ///< "1.0": of the SDK that it was built with.
    config::PluginSchema schema;
};

/// The hidden verb that is answered by print_plugin_info.
inline constexpr char plugin_info_verb[] = "_plugin-info";

/// Loads the library in this process and prints its PluginInfo, or the reason of the refusal, to `out_fd`:
/// the body of the hidden verb `_plugin-info LIBRARY`. Returns the exit code. Changes the process for good
/// (signal handlers, limits, where out_fd leads): only for a process that does nothing else.
int print_plugin_info(const std::filesystem::path& library, int out_fd);

/// The child that query_plugin asks.
struct QueryChild {
    std::filesystem::path program = "/proc/self/exe";
    std::chrono::milliseconds deadline = std::chrono::seconds{10};
};

/// Asks a child process (this executable with the hidden verb), so that nothing the library does can harm the
/// caller. Throws PluginRefused: also where the child crashed, or did not answer within the deadline.
PluginInfo query_plugin(const std::filesystem::path& library, const QueryChild& child = {});

/// The SchemaSource of the real program: find_plugin and query_plugin. A good answer is kept for as long as
/// the library file stays the same, a refusal for a minute, so that many streams do not wait for one hanging
/// library again and again. Used by one thread at a time.
class ChildSchemaSource final : public config::SchemaSource {
  public:
    explicit ChildSchemaSource(QueryChild child = {});
    Answer schema(const std::string& plugin, const std::vector<std::filesystem::path>& plugin_path) override;

  private:
    struct Kept {
        Answer answer;
        std::chrono::steady_clock::time_point asked_at;
    };
    QueryChild child_;
    std::map<std::string, Kept> kept_;  ///< By path, device, inode, size and times.
};

}  // namespace mistamover::plugin_host
