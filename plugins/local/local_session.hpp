// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <mistamover/transfer_module.hpp>

#include "local/item_put.hpp"
#include "local/local_options.hpp"

namespace mistamover::local {

inline constexpr Capabilities local_capabilities =
    Capability::list | Capability::remove | Capability::rename | Capability::make_directory |
    Capability::publish_rename | Capability::checksum | Capability::set_time | Capability::free_space |
    Capability::symlinks | Capability::take_source | Capability::get_many;

/// The target directory, held open. Every call first makes sure that it is still the one that its path leads
/// to, so that nothing is written where a disk was mounted before.
class LocalSession final : public Session {
  public:
    /// `also`: what the target directory can do beyond local_capabilities. Throws StatusError of session
    /// scope where the target directory is not there.
    LocalSession(const LocalOptions& options, SessionContext& context, Capabilities also = {});

    Capabilities capabilities() override { return capabilities_; }
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
    void begin_call();
    std::string read_small(std::string_view path, std::uint64_t limit);
    Status remove_one(std::string_view path);
    Status sync_directory(std::string_view path);

    SessionContext& context_;
    Capabilities capabilities_;
    Tree target_;
    TempDirectory temp_;
    FileCopier copier_;
    PutTools tools_;
    std::int64_t mtime_precision_ns_;
};

}  // namespace mistamover::local
