// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "process/event_loop.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// The controller's socket, run_dir/control.sock, mode 0600: a client sends one request line and gets one
/// answer, then the connection ends. A slow client is waited for without holding anything else up.
class ControlSocket {
  public:
    using RequestHandler = std::function<std::string(const std::string& request)>;

    /// Throws std::system_error.
    ControlSocket(process::EventLoop& loop, const std::filesystem::path& run_dir, RequestHandler handler);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

  private:
    struct Client {
        process::UniqueFd fd;
        std::string request;
        std::string answer;
    };
    void accept();
    void serve(int fd);
    void drop(int fd);

    process::EventLoop& loop_;
    std::filesystem::path path_;
    RequestHandler handler_;
    process::UniqueFd listener_;
    std::map<int, Client> clients_;
};

/// Sends one request to the controller with this run_dir. Throws std::runtime_error where none answers.
std::string ask_controller(const std::filesystem::path& run_dir, const std::string& request);

}  // namespace mistamover::supervisor
