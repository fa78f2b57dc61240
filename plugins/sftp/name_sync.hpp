// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sftp/server.hpp"
#include "sftp/temp_names.hpp"

namespace mistamover::sftp {

/// Has the server bring to its disk what lies in a directory under which names: that a file is there says
/// nothing of the name that it was given afterwards. A server that opens a directory as if it were a file, as
/// OpenSSH does, is asked for just that. Elsewhere a temporary file is made, brought to the disk and removed:
/// a journaling file system has then written all that was done before, too. Used by one thread, and outlives
/// the requests that it makes.
class NameSync {
  public:
    using Tell = std::function<void(const Status&)>;

    /// Both outlive it; the server has fsync.
    NameSync(Server& server, TempNames& temp_names) : server_(server), temp_names_(temp_names) {}
    NameSync(const NameSync&) = delete;
    NameSync& operator=(const NameSync&) = delete;

    /// Calls `tell` once, from Pipeline::pump: with ok when all that the server had confirmed for `directory`
    /// before this call is on its disk. Many calls share a request. At any time a directory for which a
    /// call waits costs the server one open file at most.
    void ask(const std::string& directory, Tell tell);

  private:
    struct Directory {
        std::vector<Tell> under_way = {};
        std::vector<Tell> waiting = {};  ///< Came too late for what is under way.
    };

    void begin(const std::string& directory);
    void sync_by_file(const std::string& directory);
    void sync(std::string_view handle, ReplyHandler on_synced);
    void end(const std::string& directory, const Status& status);

    Server& server_;
    TempNames& temp_names_;
    std::unordered_map<std::string, Directory> directories_;
};

}  // namespace mistamover::sftp
