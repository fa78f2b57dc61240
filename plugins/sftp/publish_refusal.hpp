// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sftp/server.hpp"
#include "sftp/temp_names.hpp"

namespace mistamover::sftp {

/// What it means that the server has refused to rename something into place: its answer alone does not tell
/// the file's fault from the directory's. Used by one thread, and outlives the requests that it makes.
class PublishRefusal {
  public:
    /// Receives the failure that the refusal is; `temp_has_gone`: there is nothing left to be removed.
    using Tell = std::function<void(const Status& failure, bool temp_has_gone)>;

    struct Case {
        std::string temp;    ///< What was to be renamed,
        std::string target;  ///< and its final name.
        Status refusal;      ///< As the server has put it.
        Tell tell;
    };

    /// Both outlive it.
    PublishRefusal(Server& server, TempNames& temp_names) : server_(server), temp_names_(temp_names) {}
    PublishRefusal(const PublishRefusal&) = delete;
    PublishRefusal& operator=(const PublishRefusal&) = delete;

    /// Asks the server, and calls `tell` once, from Pipeline::pump or at once.
    void ask(Case refused);

  private:
    using CaseRef = std::shared_ptr<const Case>;

    void look_for_temp(const CaseRef& refused);
    void look_at_target(const CaseRef& refused);
    void blame_item_or_directory(const CaseRef& refused);

    Server& server_;
    TempNames& temp_names_;
    std::string usable_directory_;  ///< Of final names; has been seen to take something new.
};

}  // namespace mistamover::sftp
