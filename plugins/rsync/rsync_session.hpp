// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "rsync/rsync_command.hpp"
#include "rsync/rsync_look.hpp"
#include "rsync/rsync_runner.hpp"
#include "rsync/ssh_master.hpp"

namespace mistamover::rsync {

/// What some server may offer.
inline constexpr Capabilities rsync_capabilities =
    Capability::list | Capability::remove | Capability::rename | Capability::make_directory |
    Capability::publish_rename | Capability::set_time | Capability::mirror | Capability::symlinks |
    Capability::get_many | Capability::costly_put;

/// A way to the target. Over ssh a live connection, which the programs of several sessions share; a daemon is
/// connected to anew by each call. Every method runs few programs, whatever the number of names.
class RsyncSession final : public Session {
  public:
    /// Throws StatusError. `shared` outlives the session.
    RsyncSession(Shared& shared, SessionContext& context);
    ~RsyncSession() override;
    RsyncSession(const RsyncSession&) = delete;
    RsyncSession& operator=(const RsyncSession&) = delete;

    Capabilities capabilities() override;
    Status put(const PutRequest& request, PutSink& sink) override;
    Status stat(std::span<const std::string_view> paths, StatSink& sink) override;
    Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) override;
    Status get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) override;
    Status list(std::string_view path, ListSink& sink) override;
    Status remove(std::span<const std::string_view> paths, RemoveSink& sink) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status make_directory(std::string_view path) override;
    Status mirror(const MirrorRequest& request, MirrorSink& sink) override;

  private:
    Status check_connection();
    Status make_temp_dir();
    Status need_temp_dir();
    Status without_temp_dir(const Status& failure);
    Status probe();
    Status tell_missing(std::span<const std::string_view> paths, const std::vector<std::size_t>& missing,
                        GetSink& sink);
    Status rename_by_ssh(std::string_view from, std::string_view to);
    Status rename_here(std::string_view from, std::string_view to);
    Status not_renamed(std::string_view from, std::string_view to, const std::string& reason);
    // Both ask the server once at most.
    bool can_rename();
    bool can_remove();

    Shared& shared_;
    Runner runner_;
    std::string name_;  ///< Unique among the module's sessions; names files in the work directory.
    std::shared_ptr<SshMaster> master_;
    CommandBuilder commands_;
    Look look_;
    bool asked_whether_it_renames_ = false;
    bool asked_whether_it_removes_ = false;
};

}  // namespace mistamover::rsync
