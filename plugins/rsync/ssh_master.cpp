// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/ssh_master.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

#include "rsync/rsync_command.hpp"
#include "rsync/rsync_failure.hpp"

namespace mistamover::rsync {
namespace {

// A socket's path has 107 bytes; ssh makes it first with a dot and 16 characters behind it.
constexpr std::size_t longest_path = 107 - 17;

// sshd allows ten (MaxSessions).
constexpr std::size_t sessions_of_a_master = 8;

}  // namespace

SocketPath::SocketPath(const std::string& directory, const std::string& name)
    : text_(directory + '/' + name) {
    ::unlink(text_.c_str());
    if (text_.size() <= longest_path) {
        return;
    }
    directory_ = ::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0) {
        throw StatusError(status_from_errno(errno, "open " + directory));
    }
    text_ = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(directory_) + '/' + name;
}

SocketPath::~SocketPath() {
    ::unlink(text_.c_str());
    if (directory_ >= 0) {
        ::close(directory_);
    }
}

SshMaster::SshMaster(const RsyncOptions& options, const std::string& name, SessionContext& context)
    : socket_(options.work_dir, name) {
    const CommandBuilder commands(options, "", socket_.text(), context.stall_timeout_ms());
    try {
        ssh_ = std::make_unique<Child>(ChildCommand{commands.ssh_master(), {}, {}});
    } catch (const std::system_error& error) {
        throw StatusError(
            failure_of({{ChildResult::End::not_started, error.code().value()}, error.what()}, true));
    }
    wait_until_ready(context);
}

void SshMaster::wait_until_ready(SessionContext& context) {
    constexpr int look_ms = 5;
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(context.stall_timeout_ms());
    while (::access(socket_.text().c_str(), F_OK) != 0) {
        errors_ += ssh_->take_error_output();
        if (ssh_->ended()) {
            errors_ += ssh_->take_error_output();
            throw StatusError(ssh_failure(errors_, false));
        }
        if (context.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw StatusError({StatusCode::timed_out, StatusScope::session, "ssh does not get in"});
        }
        pollfd cancel{context.cancel_fd(), POLLIN, 0};
        ::poll(&cancel, 1, look_ms);
    }
}

Status SshMaster::check() {
    const std::lock_guard lock(mutex_);
    // Read now and then, so that it never waits for us.
    errors_ += ssh_->take_error_output();
    constexpr std::size_t kept = 4096;
    if (errors_.size() > kept) {
        errors_.erase(0, errors_.size() - kept);
    }
    return ssh_->ended() ? ssh_failure(errors_, true) : Status{};
}

std::shared_ptr<SshMaster> SshMasters::join(const RsyncOptions& options, SessionContext& context) {
    const unsigned known_failures = failures_;
    const std::lock_guard lock(mutex_);
    if (failures_ != known_failures) {
        throw StatusError(last_failure_);
    }
    std::shared_ptr<SshMaster> master = joinable_.lock();
    if (master && joined_ < sessions_of_a_master && master->check().ok()) {
        ++joined_;
        return master;
    }
    try {
        master = std::make_shared<SshMaster>(options, "ssh" + std::to_string(made_++), context);
    } catch (const StatusError& error) {
        last_failure_ = error.status();
        ++failures_;
        throw;
    }
    joinable_ = master;
    joined_ = 1;
    return master;
}

void SshMasters::leave(const std::shared_ptr<SshMaster>& master) {
    const std::lock_guard lock(mutex_);
    if (joinable_.lock() == master) {
        joinable_.reset();
    }
}

}  // namespace mistamover::rsync
