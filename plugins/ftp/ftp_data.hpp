// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ftp/ftp_control.hpp"

namespace mistamover::ftp {

/// A data connection, or why there is none.
struct OpenedData {
    std::optional<Wire> wire;
    bool begun = false;  ///< The server has said that the transfer begins (150).
    Reply refusal;       ///< Where there is no connection: what the server said. Nothing is outstanding then.
};

/// Makes the data connections of one control connection.
class DataChannel {
  public:
    DataChannel(const FtpOptions& options, const TlsClient& tls, SessionContext& context, Control& control)
        : options_(options), tls_(tls), context_(context), control_(control) {}

    /// Sends what is queued at the control connection and, together with it where that is possible, what
    /// prepares a data connection and `command`; makes the connection. The last reply to `command` is not
    /// read yet, nor, where it need not be waited for and `eager` says so, the first.
    OpenedData open(const std::string& command, bool eager, std::uint64_t offset = 0);

    /// Reads the first reply to the command, unless that was done; false where it is a refusal.
    bool begin(OpenedData& data);
    /// The reply that ends a transfer.
    Reply end_of_transfer();

    /// What the server sends in answer to RETR, MLSD or LIST, from `offset` on, cut at `limit` bytes. Only
    /// where `reply`, the last one, is a completed one was that all. It has no code where the transfer was
    /// cut: how a server ends that tells nothing.
    std::string fetch(const std::string& command, std::uint64_t limit, Reply& reply,
                      std::uint64_t offset = 0);

  private:
    OpenedData open_passive(const std::string& command, std::uint64_t offset);
    OpenedData open_active(const std::string& command, std::uint64_t offset);
    Reply ask_for_port(const std::string& command, std::uint64_t offset);
    void queue_transfer(const std::string& command, std::uint64_t offset);
    void connect(OpenedData& data, std::uint16_t port);
    void prepare(OpenedData& data, bool eager);
    void end_cut_transfer();

    enum class Passive { unknown, extended, plain };

    const FtpOptions& options_;
    const TlsClient& tls_;
    SessionContext& context_;
    Control& control_;
    Passive passive_ = Passive::unknown;
};

}  // namespace mistamover::ftp
