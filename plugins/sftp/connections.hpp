// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <mistamover/border.hpp>

#include "sftp/pipeline.hpp"

namespace mistamover::sftp {

/// Makes the connections of one module, and counts them: a stream may have so many at once
/// (`parallel_transfers`). Safe from several threads.
class Connections {
  public:
    /// Throws StatusError.
    using Connect = std::function<std::unique_ptr<ByteChannel>(border::SessionContext& context)>;

    Connections(std::uint32_t most, Connect connect) : most_(most), connect_(std::move(connect)) {}
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    /// To be used by the calling thread.
    [[nodiscard]] std::unique_ptr<ByteChannel> connect(border::SessionContext& context) const {
        return connect_(context);
    }

    /// One connection is counted for as long as this lives.
    class Counted {
      public:
        explicit Counted(Connections& all) : all_(all) { ++all_.open_; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        ~Counted() { --all_.open_; }

      private:
        Connections& all_;
    };

    /// A session may have one more.
    [[nodiscard]] bool has_spare() const noexcept { return !spare_failed_ && open_ < most_; }
    /// Sessions need what was spare.
    [[nodiscard]] bool too_many() const noexcept { return open_ > most_; }
    /// A spare one has not worked as the sessions' do: there is none any more.
    void spare_has_failed() noexcept { spare_failed_ = true; }

  private:
    const std::uint32_t most_;
    const Connect connect_;
    std::atomic<std::uint32_t> open_{0};
    std::atomic<bool> spare_failed_{false};
};

}  // namespace mistamover::sftp
