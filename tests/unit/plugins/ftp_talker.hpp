// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <Poco/Net/ServerSocket.h>
#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <utility>
#include <vector>

#include "ftp/ftp_session.hpp"
#include "module_settings.hpp"
#include "quiet_context.hpp"

namespace mistamover::test {

/// An FTP server that carries nothing and only answers, on one control connection, which must be made. Each
/// answer belongs to all commands that begin so; the first that fits is given.
class FtpTalker {
  public:
    using Answers = std::vector<std::pair<std::string, std::string>>;

    explicit FtpTalker(Answers answers) : answers_(std::move(answers)) {
        const Answers usual{{"USER ", "331 Any password will do"},
                            {"PASS ", "230 Welcome"},
                            {"TYPE ", "200 So be it"},
                            {"CWD ", "250 Entered"},
                            {"PWD", "257 \"/data/in\" is the directory"},
                            {"MKD ", "257 Made"},
                            // Nobody listens there.
                            {"EPSV", "229 Entering Extended Passive Mode (|||1|)"},
                            {"", "502 Not known here"}};
        answers_.insert(answers_.end(), usual.begin(), usual.end());
        thread_ = std::thread([this] { run(); });
    }
    ~FtpTalker() { thread_.join(); }
    FtpTalker(const FtpTalker&) = delete;
    FtpTalker& operator=(const FtpTalker&) = delete;

    [[nodiscard]] std::string port() const { return std::to_string(listener_.address().port()); }
    /// What it was told so far.
    [[nodiscard]] std::vector<std::string> commands() const {
        const std::lock_guard lock(mutex_);
        return commands_;
    }
    [[nodiscard]] bool was_told(const std::string& command) const {
        const std::vector<std::string> told = commands();
        return std::find(told.begin(), told.end(), command) != told.end();
    }

  private:
    void run() {
        Poco::Net::StreamSocket client = listener_.acceptConnection();
        std::string received = "\r\n";  // it speaks first
        std::array<char, 4096> buffer{};
        try {
            int got = 1;
            while (got > 0) {
                for (std::size_t end = 0; (end = received.find("\r\n")) != std::string::npos;
                     received.erase(0, end + 2)) {
                    const std::string reply = answer_to(received.substr(0, end)) + "\r\n";
                    client.sendBytes(reply.data(), static_cast<int>(reply.size()), MSG_NOSIGNAL);
                }
                got = client.receiveBytes(buffer.data(), static_cast<int>(buffer.size()));
                received.append(buffer.data(), static_cast<std::size_t>(std::max(got, 0)));
            }
        } catch (const std::exception&) {
            return;  // the client has gone
        }
    }

    std::string answer_to(const std::string& command) {
        if (command.empty()) {
            return "220 Ready";
        }
        const std::lock_guard lock(mutex_);
        commands_.push_back(command);
        return std::find_if(answers_.begin(), answers_.end(),
                            [&](const auto& answer) { return command.starts_with(answer.first); })
            ->second;
    }

    Answers answers_;
    Poco::Net::ServerSocket listener_{Poco::Net::SocketAddress("127.0.0.1", 0)};
    mutable std::mutex mutex_;
    std::vector<std::string> commands_;
    std::thread thread_;
};

/// What a session to such a server needs.
struct FtpTalk {
    FtpTalk(const std::string& encryption, FtpTalker::Answers answers)
        : talker(std::move(answers)), options(options_for(talker, encryption)) {
        state.probed = true;  // nothing could be tried out here
    }
    static ftp::FtpOptions options_for(const FtpTalker& talker, const std::string& encryption) {
        SettingsOfModule settings(ftp::option_specs);
        settings.values.target_host = "127.0.0.1";
        settings.set("port", talker.port());
        settings.set("tls", encryption);
        return ftp::FtpOptions(settings.get());
    }

    FtpTalker talker;
    ftp::FtpOptions options;
    ftp::TlsClient tls{options};
    ftp::ModuleState state;
    QuietContext context;
};

}  // namespace mistamover::test
