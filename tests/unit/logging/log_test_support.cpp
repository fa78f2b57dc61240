// SPDX-License-Identifier: BSD-3-Clause
#include "log_test_support.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace mistamover::logging::test {

TestDirectory::TestDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mistamover-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "mkdtemp");
    }
    path_ = pattern;
}

TestDirectory::~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::filesystem::path& path, std::string_view content) {
    std::ofstream file(path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
}

std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::istringstream content(read_file(path));
    std::vector<std::string> lines;
    for (std::string line; std::getline(content, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::vector<std::string> texts_of(const std::filesystem::path& path) {
    constexpr std::size_t time_length = 22;  // "[YYYY-MM-DD HH:MM:SS] "
    std::vector<std::string> texts = lines_of(path);
    for (std::string& line : texts) {
        const std::size_t space = line.find(' ', time_length);
        line.erase(0, space == std::string::npos ? space : space + 1);
    }
    return texts;
}

std::vector<std::string> texts_with_old_files(const std::filesystem::path& path) {
    int oldest = 0;
    while (std::filesystem::exists(path.string() + '.' + std::to_string(oldest + 1))) {
        ++oldest;
    }
    std::vector<std::string> texts;
    for (int number = oldest; number >= 0; --number) {
        const auto more =
            texts_of(number == 0 ? path.string() : path.string() + '.' + std::to_string(number));
        texts.insert(texts.end(), more.begin(), more.end());
    }
    return texts;
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

SocketPair::SocketPair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    writer.reset(ends[0]);
    reader.reset(ends[1]);
}

config::LoggingSettings settings_for(const std::filesystem::path& directory) {
    config::LoggingSettings settings;
    settings.base_log_dir = directory;
    return settings;
}

pid_t fork_process(const std::function<int()>& work) {
    std::cout.flush();  // Else the child may write what the tests have printed once more.
    const pid_t process = ::fork();
    if (process == 0) {
        int code = 99;
        try {
            code = work();
        } catch (...) {
            code = 98;
        }
        ::_exit(code);
    }
    return process;
}

int wait_for(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ServerProcess::ServerProcess(SocketPair& sockets, const std::filesystem::path& directory)
    : ServerProcess(sockets, settings_for(directory), {}) {}

ServerProcess::ServerProcess(SocketPair& sockets, const config::LoggingSettings& settings,
                             ServerLoop::Delays delays, SocketPair* control)
    : process_(fork_process([&] {
          sockets.writer.reset();
          if (control != nullptr) {
              control->writer.reset();
          }
          const auto read_settings = [](std::string_view text) {
              if (!text.starts_with('/')) {
                  throw std::runtime_error("that is no directory");
              }
              config::LoggingSettings changed = settings_for(text);
              changed.json = true;
              return changed;
          };
          const ServerOptions options{sockets.reader.get(), control == nullptr ? -1 : control->reader.get()};
          return ServerLoop(options, settings, read_settings, delays).run();
      })) {}

ServerProcess::~ServerProcess() {
    kill();
}

void ServerProcess::kill() {
    if (process_ > 0) {
        ::kill(process_, SIGKILL);
        wait();
    }
}

int ServerProcess::wait() {
    const int code = wait_for(process_);
    process_ = -1;
    return code;
}

void limit_file_size(pid_t process, std::uint64_t bytes) {
    rlimit limit{};
    ::prlimit(process, RLIMIT_FSIZE, nullptr, &limit);
    limit.rlim_cur = bytes;
    if (::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "prlimit");
    }
}

void lift_file_size_limit(pid_t process) {
    rlimit limit{};
    ::prlimit(process, RLIMIT_FSIZE, nullptr, &limit);
    limit_file_size(process, limit.rlim_max);
}

}  // namespace mistamover::logging::test
