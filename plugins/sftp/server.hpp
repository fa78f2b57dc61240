// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sftp/pipeline.hpp"
#include "sftp/server_clock.hpp"
#include "sftp/temp_names.hpp"

namespace mistamover::sftp {

/// What a server offers beyond version 3, and how much it takes at once.
struct ServerFeatures {
    bool posix_rename = false;
    bool fsync = false;
    bool statvfs = false;
    bool limits = false;
    bool lsetstat = false;
    bool check_file = false;
    bool is_proftpd = false;  ///< As far as can be told: it does not tell of the check-file that it has.
    /// It gives a file the mode and time that it is told, as far as is known.
    bool keeps_attributes = true;
    /// A file has the time that it was given, as far as is known; else none is given to files.
    bool keeps_times = true;
    /// Bytes of data in one write, and files open at once: what every server must take, or has said.
    std::size_t write_size = 32768;
    std::size_t open_files = 64;

    /// Whether a file has the time that it was given, and not that of its arrival.
    [[nodiscard]] bool sets_times() const noexcept { return keeps_attributes && keeps_times; }
    /// One extension of the version reply.
    void learn(std::string_view extension, std::string_view data);
};

/// What a slow server needs to bring what it has taken of a file of `size` bytes to its disk, at 10 MB/s.
constexpr std::chrono::milliseconds time_to_store(std::uint64_t size) {
    constexpr std::uint64_t bytes_a_millisecond = 10'000;
    return std::chrono::milliseconds(size / bytes_a_millisecond);
}

/// A server with which SFTP is spoken. Used by one thread.
class Server {
  public:
    Server(ByteChannel& channel, border::SessionContext& context)
        : pipeline_(channel, context), context_(context) {}

    /// Exchanges versions, and asks for what these do not tell. Throws StatusError.
    void start();
    [[nodiscard]] const ServerFeatures& features() const noexcept { return features_; }
    /// Finds out, with a temporary file, whether it keeps attributes, and times as they are told; then the
    /// rest as learn_clock().
    void try_attributes(TempNames& temp_names);
    /// Finds out by a temporary file how far its clock is ahead, where files have the times of that, and it
    /// is an hour since this was found out (a minute where that has failed).
    void learn_clock(TempNames& temp_names);
    /// It has refused to give a newly made file its mode and time: it keeps none.
    void keeps_no_attributes(const Reply& refusal);
    [[nodiscard]] Pipeline& pipeline() noexcept { return pipeline_; }

    /// One request, as Pipeline::request has it, waited for. Throws StatusError where the connection fails.
    template <typename Fill, typename Handle>
    void ask(PacketType type, const Fill& fill, const Handle& handle,
             std::chrono::milliseconds extra_patience = {}) {
        pipeline_.request(
            type, fill, [&handle](Reply& reply) { handle(reply); }, extra_patience);
        pipeline_.finish();
    }
    /// The same for one that is answered by a status.
    template <typename Fill>
    Status ask_for_status(PacketType type, const Fill& fill, std::string_view doing,
                          StatusCode unspecific = StatusCode::permission) {
        Status status;
        ask(type, fill, [&](Reply& reply) {
            if (!reply.is_ok()) {
                status = reply.failure(doing, unspecific);
            }
        });
        return status;
    }
    /// What it tells of an entry. A time that is of its own clock is moved back by as much as this is known
    /// to be ahead: the entry was stored then or later.
    [[nodiscard]] EntryInfo told_info(const Attributes& attributes) const;
    /// Looks at a path, following links only where `follow`.
    Status look_at(const std::string& path, EntryInfo& info, bool follow = false);

  private:
    using UseFile = std::function<void(const std::string& handle, const std::string& path)>;

    void ask_for_limits();
    void try_check_file();
    void use_trial_file(TempNames& temp_names, const UseFile& use);
    void try_attributes_of(const std::string& handle, const std::string& path);
    void compare_trial_time(std::optional<std::uint32_t> found);

    Pipeline pipeline_;
    border::SessionContext& context_;
    ServerFeatures features_;
    ServerClock clock_;
};

}  // namespace mistamover::sftp
