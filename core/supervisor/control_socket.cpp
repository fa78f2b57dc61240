// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/control_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "process/throw_errno.hpp"

namespace mistamover::supervisor {
namespace {

constexpr std::size_t longest_request = 4096;
constexpr std::chrono::milliseconds listen_pause{1000};

// A socket's path may have 107 bytes; a longer one is reached through its directory's descriptor.
struct Address {
    process::UniqueFd directory;
    sockaddr_un name{};
};

Address address_of(const std::filesystem::path& path) {
    Address address;
    address.name.sun_family = AF_UNIX;
    std::string text = path.string();
    if (text.size() >= sizeof address.name.sun_path) {
        address.directory.reset(::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        text = "/proc/self/fd/" + std::to_string(address.directory.get()) + '/' + path.filename().string();
    }
    std::strncpy(address.name.sun_path, text.c_str(), sizeof address.name.sun_path - 1);
    return address;
}

std::pair<dev_t, ino_t> identity_of(const std::filesystem::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 ? std::pair(info.st_dev, info.st_ino)
                                             : std::pair<dev_t, ino_t>();
}

[[noreturn]] void not_connected(const std::filesystem::path& path, int error) {
    if (error == EAGAIN) {
        throw std::runtime_error("the mistamover daemon does not answer at " + path.string() +
                                 ": too many others wait for it");
    }
    const char* what = error == EACCES ? "this user may not ask the mistamover daemon at "
                                       : "no mistamover daemon answers at ";
    throw std::runtime_error(what + path.string() + ": " + std::system_category().message(error));
}

void set_patience(int socket, std::chrono::milliseconds patience) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
    const timeval time{seconds.count(), std::chrono::microseconds(patience - seconds).count()};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
}

}  // namespace

ControlSocket::ControlSocket(process::EventLoop& loop, const std::filesystem::path& run_dir,
                             RequestHandler handler, Limits limits)
    : loop_(loop),
      path_(run_dir / "control.sock"),
      handler_(std::move(handler)),
      listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      limits_(limits) {
    const Address address = address_of(path_);
    ::unlink(path_.c_str());  // the lock tells that whoever made it has gone
    const mode_t before = ::umask(0177);
    const int bound =
        ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address.name), sizeof address.name);
    ::umask(before);
    if (bound != 0 || ::listen(listener_.get(), 16) != 0) {
        process::throw_errno("the control socket " + path_.string());
    }
    made_ = identity_of(path_);
    loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

ControlSocket::~ControlSocket() {
    while (!clients_.empty()) {
        drop(clients_.begin()->first);
    }
    loop_.cancel(listen_timer_);
    loop_.unwatch(listener_.get());
    if (identity_of(path_) == made_) {  // where run_dir was replaced, it is that of another controller
        ::unlink(path_.c_str());
    }
}

void ControlSocket::accept() {
    process::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
            drop_oldest();
            listen_again_later();
        }
        return;
    }
    if (clients_.size() >= limits_.clients) {
        drop_oldest();
    }
    const int number = fd.get();
    Client& client = clients_[number];
    client.fd = std::move(fd);
    client.timer = loop_.call_after(limits_.patience, [this, number] { drop(number); });
    loop_.watch(number, EPOLLIN, [this, number](std::uint32_t) { serve(number); });
}

// The client that cannot be accepted stays in the queue, and would call for it again and again.
void ControlSocket::listen_again_later() {
    loop_.unwatch(listener_.get());
    listen_timer_ = loop_.call_after(listen_pause, [this] {
        listen_timer_ = 0;
        loop_.watch(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
    });
}

void ControlSocket::drop(int fd) {
    loop_.unwatch(fd);
    loop_.cancel(clients_.at(fd).timer);
    clients_.erase(fd);
}

void ControlSocket::drop_oldest() {
    const auto oldest = std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
        return a.second.timer < b.second.timer;
    });
    if (oldest != clients_.end()) {
        drop(oldest->first);
    }
}

// True where there is an answer to send.
bool ControlSocket::read_request(int fd, Client& client) {
    std::array<char, 1024> buffer{};
    const ssize_t length = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    client.request.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    const auto end = client.request.find('\n');
    if (end == std::string::npos) {
        if (length <= 0 || client.request.size() > longest_request) {
            drop(fd);
        }
        return false;
    }
    client.answer = handler_(client.request.substr(0, end)) + '\n';
    loop_.change(fd, EPOLLOUT);
    return true;
}

void ControlSocket::serve(int fd) {
    Client& client = clients_.at(fd);
    if (client.answer.empty() && !read_request(fd, client)) {
        return;
    }
    const ssize_t sent = ::send(fd, client.answer.data(), client.answer.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    client.answer.erase(0, sent < 0 ? client.answer.size() : static_cast<std::size_t>(sent));
    if (client.answer.empty()) {
        drop(fd);
    }
}

std::string ask_controller(const std::filesystem::path& run_dir, const std::string& request,
                           std::chrono::milliseconds patience) {
    const std::filesystem::path path = run_dir / "control.sock";
    const Address address = address_of(path);
    const process::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    set_patience(fd.get(), patience);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.name), sizeof address.name) != 0) {
        not_connected(path, errno);
    }
    const std::string line = request + '\n';
    if (::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("the mistamover daemon does not take requests");
    }
    std::string answer;
    std::array<char, 4096> buffer{};
    ssize_t length = 0;
    while ((length = ::recv(fd.get(), buffer.data(), buffer.size(), 0)) > 0) {
        answer.append(buffer.data(), static_cast<std::size_t>(length));
    }
    if (answer.empty()) {
        throw std::runtime_error("the mistamover daemon did not answer within " +
                                 std::to_string(std::chrono::ceil<std::chrono::seconds>(patience).count()) +
                                 " seconds");
    }
    return answer;
}

}  // namespace mistamover::supervisor
