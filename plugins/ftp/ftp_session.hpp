// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_control.hpp"
#include "ftp/ftp_data.hpp"
#include "ftp/ftp_lookup.hpp"
#include "ftp/ftp_put.hpp"

namespace mistamover::ftp {

/// What some server may offer.
inline constexpr Capabilities ftp_capabilities =
    Capability::list | Capability::remove | Capability::rename | Capability::make_directory |
    Capability::publish_rename | Capability::checksum | Capability::set_time | Capability::resume;

/// A login, kept. Where the server has ended it while nothing went on, the next call logs in again.
class FtpSession final : public Session {
  public:
    /// Connects, logs in, and finds out what the server can do. Throws StatusError.
    FtpSession(const FtpOptions& options, const TlsClient& tls, ModuleState& shared, SessionContext& context);
    ~FtpSession() override;

    Capabilities capabilities() override;
    Status put(const PutRequest& request, PutSink& sink) override;
    Status stat(std::span<const std::string_view> paths, StatSink& sink) override;
    Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) override;
    Status list(std::string_view path, ListSink& sink) override;
    Status remove(std::span<const std::string_view> paths, RemoveSink& sink) override;
    Status rename(std::string_view from, std::string_view to) override;
    Status make_directory(std::string_view path) override;
    Status checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) override;

  private:
    Status guarded(const std::function<Status()>& call);
    void connect();
    [[nodiscard]] std::unique_lock<std::mutex> wait_to_probe();
    void give_up();
    Tools tools() { return {options_, *control_, *data_, shared_, context_}; }

    std::vector<std::size_t> speakable(std::span<const std::string_view> paths,
                                       const std::function<void(std::size_t, const Status&)>& leave_out);
    bool exists(std::string_view path);

    const FtpOptions& options_;
    const TlsClient& tls_;
    ModuleState& shared_;
    SessionContext& context_;
    std::optional<Control> control_;
    std::optional<DataChannel> data_;
    std::chrono::steady_clock::time_point last_use_;
};

}  // namespace mistamover::ftp
