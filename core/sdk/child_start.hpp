// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>
#include <unistd.h>
#include <utility>

#include <mistamover/child_process.hpp>

/// Starting and ending of one process, for child_process.cpp.
namespace mistamover::detail {

class Fd {
  public:
    explicit Fd(int fd = -1) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() { close(); }
    [[nodiscard]] int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }

  private:
    int fd_;
};

/// The two ends of a connection with a child. `theirs` is numbered from 10 up, so that the child can put it
/// on 0 to 2 without overwriting another.
struct Ends {
    Fd ours;
    Fd theirs;
};

/// These throw std::system_error.
Ends output_pipe();
/// A socket, because writing to it when the child is gone can be had without SIGPIPE.
Ends input_socket();
/// As Ends::theirs.
Fd null_device();

/// The child's pid. Throws std::system_error, with the errno of the exec where it is that which failed.
pid_t start(const ChildCommand& command, int input, int output, int error_output);

/// Readable once the process has ended; invalid where the kernel has no such thing.
Fd pidfd_of(pid_t pid);

/// Does not take the end: the number stays the child's.
bool has_ended(pid_t pid);

/// Takes the end of a child that has ended, after killing what is left of its group.
ChildResult reap(pid_t pid);

/// SIGTERM to its group, SIGKILL after two seconds; then as reap().
ChildResult end_and_reap(pid_t pid);

}  // namespace mistamover::detail
