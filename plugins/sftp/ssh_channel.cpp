// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/ssh_channel.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <mistamover/transfer_module.hpp>

#include "sftp/ssh_command.hpp"

namespace mistamover::sftp {
namespace {

void check_private(const std::string& path, const char* option) {
    struct stat found = {};
    if (path.empty()) {
        return;
    }
    if (::stat(path.c_str(), &found) != 0) {
        throw StatusError({StatusCode::configuration, StatusScope::stream,
                           std::string(option) + ": " + path +
                               " cannot be read: " + std::generic_category().message(errno)});
    }
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw StatusError({StatusCode::configuration, StatusScope::stream,
                           std::string(option) + ": others can read " + path + ": chmod 600 it"});
    }
}

}  // namespace

SshChannel::SshChannel(const SftpOptions& options, border::SessionContext& context) : context_(context) {
    check_private(options.password_file, "sftp.password_file");
    check_private(options.passphrase_file, "sftp.passphrase_file");
    std::string password_file = options.password_file;
    try {
        if (!options.password.empty()) {
            write_password(options);
            password_file = own_password_file_;
        }
        ssh_.emplace(ChildCommand{ssh_arguments(options), ssh_environment(options, password_file)},
                     Child::Streams::talking);
    } catch (const std::system_error& error) {
        remove_password();
        const bool is_missing = error.code().value() == ENOENT;
        throw StatusError({is_missing ? StatusCode::configuration : StatusCode::local_io,
                           is_missing ? StatusScope::stream : StatusScope::session,
                           is_missing ? "ssh is not installed on this machine: install openssh-client"
                                      : "ssh cannot be started: " + std::string(error.what()),
                           error.code().value()});
    }
}

SshChannel::~SshChannel() {
    remove_password();
}

void SshChannel::write_password(const SftpOptions& options) {
    static std::atomic<std::uint64_t> counter{0};
    own_password_file_ =
        options.work_dir + "/password." + std::to_string(::getpid()) + '.' + std::to_string(counter++);
    (void)::unlink(own_password_file_.c_str());
    const int file =
        ::open(own_password_file_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const std::string line = options.password + '\n';
    const bool written =
        file >= 0 && ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    const int error = errno;
    if (file >= 0) {
        ::close(file);
    }
    if (!written) {
        throw std::system_error(error, std::generic_category(), own_password_file_);
    }
}

void SshChannel::remove_password() noexcept {
    if (!own_password_file_.empty()) {
        (void)::unlink(own_password_file_.c_str());
        own_password_file_.clear();
    }
}

void SshChannel::connected() {
    connected_ = true;
    remove_password();
    printed_.clear();
}

std::size_t SshChannel::send(std::string_view bytes) {
    for (;;) {
        const ssize_t sent = ::send(ssh_->input(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            return static_cast<std::size_t>(sent);
        }
        if (errno != EINTR) {
            // A broken pipe shows on the other one too, behind the last answers.
            return 0;
        }
    }
}

bool SshChannel::receive(PacketSplitter& to) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::read(ssh_->output(), buffer.data(), buffer.size());
    if (got > 0) {
        to.feed({buffer.data(), static_cast<std::size_t>(got)});
        return true;
    }
    take_printed();
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        fail();
    }
    return false;
}

void SshChannel::wait(bool to_send, int cancel_fd, std::chrono::milliseconds patience) {
    std::array<pollfd, 4> waiting{{{ssh_->output(), POLLIN, 0},
                                   {to_send ? ssh_->input() : -1, POLLOUT, 0},
                                   {ssh_->error_output(), POLLIN, 0},
                                   {cancel_fd, POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), static_cast<int>(patience.count()));
    constexpr short closed = POLLHUP | POLLERR;
    if ((waiting[2].revents & POLLIN) != 0) {
        take_printed();
    } else if ((waiting[2].revents & closed) != 0 && waiting[0].revents == 0) {
        pollfd output{ssh_->output(), POLLIN, 0};
        // Its error output is closed, which would end every wait at once; the end of ssh is due.
        ::poll(&output, 1, 10);
    }
}

void SshChannel::take_printed() {
    constexpr std::size_t kept = 8192;
    const std::string text = ssh_->take_error_output();
    if (text.empty()) {
        return;
    }
    context_.log(LogLevel::debug, "ssh: " + text.substr(0, text.find_last_not_of("\r\n") + 1));
    printed_ += text;
    if (printed_.size() > kept) {
        printed_.erase(0, printed_.size() - kept);
    }
}

void SshChannel::fail() {
    // Its output is closed: what it has to say comes before it ends, which is now.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    std::optional<ChildResult> end = ssh_->ended();
    while (!end && std::chrono::steady_clock::now() < deadline) {
        pollfd error_output{ssh_->error_output(), POLLIN, 0};
        ::poll(&error_output, 1, 5);
        take_printed();
        end = ssh_->ended();
    }
    take_printed();
    ssh_->end();
    throw StatusError(ssh_failure(printed_, end ? end->code : 0, connected_));
}

}  // namespace mistamover::sftp
