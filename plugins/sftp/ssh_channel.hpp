// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include <mistamover/child_process.hpp>

#include "sftp/pipeline.hpp"
#include "sftp/sftp_options.hpp"

namespace mistamover::sftp {

/// The pipes of an ssh that carries SFTP. Its end is a StatusError that says what ssh has printed about it.
/// Used by the thread that made it.
class SshChannel final : public ByteChannel {
  public:
    /// Starts ssh and does not wait for it. Throws StatusError where that fails.
    SshChannel(const SftpOptions& options, border::SessionContext& context);
    SshChannel(const SshChannel&) = delete;
    SshChannel& operator=(const SshChannel&) = delete;
    ~SshChannel() override;

    std::size_t send(std::string_view bytes) override;
    bool receive(PacketSplitter& to) override;
    void wait(bool to_send, int cancel_fd, std::chrono::milliseconds patience) override;

    /// The password, where there was one, is not needed any more.
    void connected() override;

  private:
    void write_password(const SftpOptions& options);
    void remove_password() noexcept;
    void take_printed();
    [[noreturn]] void fail();

    border::SessionContext& context_;
    std::string own_password_file_;  ///< Ours to remove; empty where the operator's is used, or none.
    std::optional<Child> ssh_;
    std::string printed_;
    bool connected_ = false;
};

}  // namespace mistamover::sftp
