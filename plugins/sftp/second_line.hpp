// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/connections.hpp"
#include "sftp/pieces.hpp"

namespace mistamover::sftp {

/// A second connection for one large file, which takes pieces of it beside the session's own: an ssh, and an
/// sshd, has no more than one processor. It is a help and no more: what it has taken and cannot send it gives
/// back. It takes none before it has found that what the session has written, and goes on to write, is in the
/// file that it has opened itself. Works in a thread of its own from its construction on; used by the
/// session's.
class SecondLine {
  public:
    /// How it has ended.
    struct End {
        /// Where not ok, the file must not get its name.
        Status failure;
        /// The server has confirmed something here, and has not closed it: as after a broken connection of
        /// the session. Else, with a failure, nothing of the file is good.
        bool is_break = false;
    };

    /// `temp`: the name by which the server has the file. All but that and `spare` outlive this. Throws what
    /// the system does where there are no threads or descriptors any more.
    SecondLine(Connections::Spare spare, border::SessionContext& context, std::string temp,
               SourceFile& source, Pieces& pieces);
    SecondLine(const SecondLine&) = delete;
    SecondLine& operator=(const SecondLine&) = delete;
    /// As give_up.
    ~SecondLine();

    /// It has ended with a failure already.
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    /// To be called once all pieces are taken. Waits until none of them is on its way here, and the server
    /// has closed the file; what it has not confirmed is back in the pieces then.
    End finish();
    /// Gives up what it is doing.
    End give_up();
    /// Bytes that the server has confirmed here.
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  private:
    class Context;
    class Share;

    /// What the server has been asked to do with the file.
    enum class Stage : std::uint8_t {
        untouched,
        unwanted,  ///< Untouched, and to be left so.
        opening,   ///< It may have emptied it, or have a copy here.
        sharing,   ///< It has it open here, and it is the session's.
        closed,    ///< What it has confirmed here it has.
    };

    void run() noexcept;
    void note_end(const Status& status) noexcept;

    std::optional<Connections::Spare> spare_;  ///< The thread's.
    const std::unique_ptr<Context> context_;
    const std::string temp_;
    SourceFile& source_;
    Pieces& pieces_;
    std::atomic<Stage> stage_{Stage::untouched};
    std::atomic<bool> all_taken_{false};
    std::atomic<bool> has_failed_{false};
    std::atomic<std::uint64_t> bytes_sent_{0};
    End end_;  ///< The thread's, until it has ended.
    std::thread thread_;
};

}  // namespace mistamover::sftp
