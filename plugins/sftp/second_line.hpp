// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
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
/// back. Works in a thread of its own from its construction on; used by the session's.
class SecondLine {
  public:
    /// `temp`: the name by which the server has the file. All but that outlive this.
    SecondLine(Connections& connections, border::SessionContext& context, std::string temp,
               SourceFile& source, Pieces& pieces);
    SecondLine(const SecondLine&) = delete;
    SecondLine& operator=(const SecondLine&) = delete;
    /// Gives up what it is doing, which leaves nobody knowing what the server has of it.
    ~SecondLine();

    /// To be called once all pieces are taken. Waits until none of them is on its way here, and the server
    /// has closed the file; what it has not confirmed is back in the pieces then. Not ok where it takes back
    /// with the close what it had confirmed.
    Status finish();
    /// Bytes that the server has confirmed here.
    [[nodiscard]] std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }

  private:
    class Context;
    class Share;

    void run() noexcept;
    void note_failure(std::string_view reason) noexcept;

    Connections& connections_;
    const Connections::Counted counted_;
    const std::unique_ptr<Context> context_;
    const std::string temp_;
    SourceFile& source_;
    Pieces& pieces_;
    std::atomic<bool> opened_{false};  ///< The server has opened the file here too.
    std::atomic<std::uint64_t> bytes_sent_{0};
    Status closed_;  ///< The thread's, until it has ended.
    std::thread thread_;
};

}  // namespace mistamover::sftp
