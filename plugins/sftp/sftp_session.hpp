// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mistamover/transfer_module.hpp>

#include "sftp/batch_put.hpp"
#include "sftp/connections.hpp"
#include "sftp/server.hpp"
#include "sftp/sftp_options.hpp"

namespace mistamover::sftp {

/// What some server may offer.
inline constexpr Capabilities sftp_capabilities =
    Capability::list | Capability::remove | Capability::rename | Capability::make_directory |
    Capability::publish_rename | Capability::checksum | Capability::set_time | Capability::free_space |
    Capability::symlinks | Capability::resume | Capability::get_many;

/// A connection, and what is done by it. Used by the thread that made it.
class SftpSession final : public Session {
  public:
    /// Connects, and looks whether the target directory is there. Throws StatusError. All outlive it.
    SftpSession(Connections& connections, const SftpOptions& options, Leftovers& leftovers,
                SessionContext& context);

    Capabilities capabilities() override;
    Status put(const PutRequest& request, PutSink& sink) override;
    Status stat(std::span<const std::string_view> paths, StatSink& sink) override;
    Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) override;
    Status get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) override;
    Status list(std::string_view path, ListSink& sink) override;
    Status remove(std::span<const std::string_view> paths, RemoveSink& sink) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status make_directory(std::string_view path) override;
    Status checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) override;
    Status free_space(std::uint64_t& bytes) override;

  private:
    [[nodiscard]] std::string at_server(std::string_view path) const;
    void check_target();
    void keep_short(std::size_t most_in_flight);
    void remove_one(const std::string& path, std::size_t index, RemoveSink& sink);
    void remove_unless_gone(const std::string& path, std::size_t index, const Status& refusal,
                            RemoveSink& sink);
    Status open_directory(const std::string& path, std::string& handle);
    void close_handle(const std::string& handle);
    Status sync_names(const std::string& directory);
    std::optional<std::uint32_t> read_names(const std::string& handle, const std::string& path,
                                            ListSink& sink, Status& status);
    Status look_at_regular(const std::string& path, std::uint64_t& size);

    Connections& connections_;
    const Connections::Counted counted_;
    const SftpOptions& options_;
    Leftovers& leftovers_;
    SessionContext& context_;
    const std::unique_ptr<Connection> connection_;
    Server& server_;
    TempNames temp_names_;
};

}  // namespace mistamover::sftp
