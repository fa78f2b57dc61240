// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <utility>

#include "process/event_loop.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::supervisor {

/// The controller's socket, run_dir/control.sock, mode 0600: a client sends one request line and gets one
/// answer, then the connection ends. A slow client is waited for without holding anything else up, but not
/// for ever, and where there are too many, whoever has been there longest has to go.
class ControlSocket {
  public:
    using RequestHandler = std::function<std::string(const std::string& request)>;

    struct Limits {
        std::size_t clients = 64;
        std::chrono::milliseconds patience{10'000};  ///< For a client's whole visit.
    };

    /// Throws std::system_error.
    ControlSocket(process::EventLoop& loop, const std::filesystem::path& run_dir, RequestHandler handler,
                  Limits limits);
    ControlSocket(process::EventLoop& loop, const std::filesystem::path& run_dir, RequestHandler handler)
        : ControlSocket(loop, run_dir, std::move(handler), Limits()) {}
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

  private:
    struct Client {
        process::UniqueFd fd;
        std::string request;
        std::string answer;
        process::EventLoop::TimerId timer = 0;
    };
    void accept();
    void listen_again_later();
    void serve(int fd);
    bool read_request(int fd, Client& client);
    void drop(int fd);
    void drop_oldest();

    process::EventLoop& loop_;
    std::filesystem::path path_;
    RequestHandler handler_;
    process::UniqueFd listener_;
    Limits limits_;
    std::pair<dev_t, ino_t> made_;  ///< The identity of its entry.
    std::map<int, Client> clients_;
    process::EventLoop::TimerId listen_timer_ = 0;  ///< While no descriptor is to be had for another client.
};

/// Sends one request to the controller with this run_dir. Throws std::runtime_error where none answers, for
/// which each step is waited for `patience`, or where this user may not ask.
std::string ask_controller(const std::filesystem::path& run_dir, const std::string& request,
                           std::chrono::milliseconds patience = std::chrono::seconds{10});

}  // namespace mistamover::supervisor
