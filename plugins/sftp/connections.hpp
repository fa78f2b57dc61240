// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include <mistamover/border.hpp>

#include "sftp/server.hpp"

namespace mistamover::sftp {

/// A channel, and the SFTP server at its other end. Used by the thread that made it.
class Connection {
  public:
    /// Exchanges versions. Throws StatusError.
    Connection(std::unique_ptr<ByteChannel> channel, border::SessionContext& context);
    [[nodiscard]] Server& server() noexcept { return server_; }

  private:
    std::unique_ptr<ByteChannel> channel_;
    Server server_;
};

/// Makes the connections of one module, and counts them: a stream may have so many at once
/// (`parallel_transfers`). What its sessions do not need is spare. Safe from several threads.
class Connections {
  public:
    using Clock = std::chrono::steady_clock;
    /// Throws StatusError.
    using Connect = std::function<std::unique_ptr<ByteChannel>(border::SessionContext& context)>;
    static constexpr std::chrono::minutes spare_tried_again_after{10};

    /// `now`: any clock that does not run backwards.
    Connections(std::uint32_t most, Connect connect, std::function<Clock::time_point()> now = Clock::now);
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    /// A session is counted for as long as this lives.
    class Counted {
      public:
        explicit Counted(Connections& all);
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        ~Counted();

      private:
        Connections& all_;
    };

    /// A spare connection: counted for as long as this lives.
    class Spare {
      public:
        explicit Spare(Connections& all) : all_(&all) {}
        Spare(Spare&& other) noexcept;
        Spare& operator=(Spare&&) = delete;
        Spare(const Spare&) = delete;
        Spare& operator=(const Spare&) = delete;
        ~Spare();

        /// Throws StatusError.
        [[nodiscard]] std::unique_ptr<Connection> connect(border::SessionContext& context) const {
            return all_->connect(context);
        }
        /// Sessions need it: it is to end soon, and no other in its place. Stays so once it is.
        [[nodiscard]] bool is_needed();
        /// It has not worked as the sessions' do: for some time there is none any more.
        void has_failed() const;
        /// Never again.
        void is_of_no_use() const;

      private:
        Connections* all_;
        bool leaves_ = false;
    };

    /// One more than the sessions have; nothing where there is none.
    [[nodiscard]] std::optional<Spare> take_spare();
    /// For a session. Where that fails while some are spare, they may be what the server has let in instead:
    /// they end, and it is tried once more. Throws StatusError.
    [[nodiscard]] std::unique_ptr<Connection> connect_session(border::SessionContext& context);
    void pause_spares();

  private:
    [[nodiscard]] std::unique_ptr<Connection> connect(border::SessionContext& context) const;
    [[nodiscard]] bool any_spare() const;
    bool end_spares(border::SessionContext& context);

    const std::uint32_t most_;
    const Connect connect_;
    const std::function<Clock::time_point()> now_;
    mutable std::mutex mutex_;
    std::condition_variable spare_ended_;
    std::uint32_t open_ = 0;     ///< With those that are spare.
    std::uint32_t spares_ = 0;   ///< Of open_.
    std::uint32_t leaving_ = 0;  ///< Of spares_.
    std::uint32_t waiting_ = 0;  ///< Sessions that none may be spare for.
    Clock::time_point no_spare_until_ = Clock::time_point::min();
};

}  // namespace mistamover::sftp
