// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "config/settings.hpp"
#include "logging/server_loop.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::logging::test {

/// An empty directory that goes with the object.
class TestDirectory {
  public:
    TestDirectory();
    ~TestDirectory();
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);  ///< Empty where there is none.
void write_file(const std::filesystem::path& path, std::string_view content);
std::vector<std::string> lines_of(const std::filesystem::path& path);
/// The lines without "[time] LEVEL ".
std::vector<std::string> texts_of(const std::filesystem::path& path);
/// The same of the old files of a log, oldest first, and then of the log.
std::vector<std::string> texts_with_old_files(const std::filesystem::path& path);

/// Whether it becomes true within a generous time.
bool eventually(const std::function<bool()>& condition);

struct SocketPair {
    process::UniqueFd writer;
    process::UniqueFd reader;
    SocketPair();
};

config::LoggingSettings settings_for(const std::filesystem::path& directory);

/// Runs `work` in a forked process, which must not return from it; to be called while there is one thread
/// only.
pid_t fork_process(const std::function<int()>& work);
/// Its exit code, or 128 and the signal.
int wait_for(pid_t process);

/// A log server in a process of its own, without the writing end of `sockets`; killed, at the latest, by the
/// destructor.
class ServerProcess {
  public:
    ServerProcess(SocketPair& sockets, const std::filesystem::path& directory);
    ServerProcess(SocketPair& sockets, const config::LoggingSettings& settings, ServerLoop::Delays delays,
                  SocketPair* control = nullptr);
    explicit ServerProcess(pid_t process) : process_(process) {}
    ~ServerProcess();
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;

    [[nodiscard]] pid_t id() const noexcept { return process_; }
    void kill();
    int wait();

  private:
    pid_t process_;
};

/// A limit on the size of files stands for a full disk: a write is cut short, and the next one fails.
void limit_file_size(pid_t process, std::uint64_t bytes);
void lift_file_size_limit(pid_t process);

}  // namespace mistamover::logging::test
