// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include <mistamover/transfer_module.hpp>

namespace drop {

/// What the module's constructor has read; outlives every session.
struct Settings {
    std::filesystem::path target_dir;  ///< Absolute.
    std::string temp_dir;              ///< Relative to target_dir; made when it is first needed.
    std::filesystem::perms file_mode;
};

/// Puts plain files into target_dir: copied under a temporary name, then renamed.
class Session final : public mistamover::Session {
  public:
    Session(const Settings& settings, mistamover::SessionContext& context);

    mistamover::Capabilities capabilities() override;
    mistamover::Status put(const mistamover::PutRequest& request, mistamover::PutSink& sink) override;
    mistamover::Status stat(std::span<const std::string_view> paths, mistamover::StatSink& sink) override;
    mistamover::Status get_small(std::string_view path, std::uint64_t limit,
                                 mistamover::BytesSink& sink) override;

  private:
    mistamover::Status put_file(const mistamover::PutRequest& request, const mistamover::PutItem& item);

    const Settings& settings_;
    mistamover::SessionContext& context_;
};

}  // namespace drop
