// SPDX-License-Identifier: BSD-3-Clause
#include "servers/server_process.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <netinet/in.h>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "scratch.hpp"

namespace mistamover::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// Calls bind or connect on a new socket.
template <typename Call>
bool works(std::uint16_t port, Call call) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool result = call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return result;
}

// Room for a server, and for those of FTP's data connections behind it.
constexpr unsigned lowest_port = 10'000;
constexpr unsigned ports_in_block = 128;
constexpr unsigned port_blocks = 156;

// True where no other process has the block, which is then this one's until it ends: tests run side by side.
bool is_own_block(unsigned block) {
    static std::set<unsigned> own;
    if (own.contains(block)) {
        return true;
    }
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "mistamover-test-ports-" + std::to_string(block);
    text.copy(name.sun_path + 1, sizeof name.sun_path - 1);  // no file: gone with the socket
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), length) != 0) {
        ::close(fd);
        return false;
    }
    return own.insert(block).second;
}

std::string absolute_path(const std::string& program, const std::string& package) {
    if (program.starts_with('/') && ::access(program.c_str(), X_OK) == 0) {
        return program;
    }
    const char* path = std::getenv("PATH");
    std::istringstream directories((path != nullptr ? std::string(path) : "") +
                                   ":/usr/sbin:/usr/local/sbin:/sbin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::string found = directory + '/' + program;
        if (!directory.empty() && ::access(found.c_str(), X_OK) == 0) {
            return found;
        }
    }
    throw std::runtime_error(program + " is not there: install the Debian package " + package);
}

pid_t spawn(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
    std::vector<std::string> texts = arguments;
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::setpgid(0, 0);
        const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(input, 0);
        ::dup2(output, 1);
        ::dup2(output, 2);
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    return pid;
}

// What stands behind the name: the state, one letter, and the parent; empty where there is no such process.
std::string state_and_parent(const std::filesystem::path& process) {
    const std::string stat = read_file(process / "stat");
    const std::size_t name_end = stat.rfind(") ");
    return name_end == std::string::npos ? "" : stat.substr(name_end + 2);
}

std::multimap<pid_t, pid_t> children_by_parent() {
    std::multimap<pid_t, pid_t> children;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string number = entry.path().filename().string();
        const std::string stat =
            number.find_first_not_of("0123456789") == number.npos ? state_and_parent(entry.path()) : "";
        if (!stat.empty()) {
            children.emplace(static_cast<pid_t>(std::stol(stat.substr(2))),
                             static_cast<pid_t>(std::stol(number)));
        }
    }
    return children;
}

void add_descendants(pid_t pid, const std::multimap<pid_t, pid_t>& children, std::vector<pid_t>& found) {
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) {
        found.push_back(child->second);
        add_descendants(child->second, children, found);
    }
}

}  // namespace

std::uint16_t free_port() {
    std::random_device random;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const unsigned block = random() % port_blocks;
        const auto port = static_cast<std::uint16_t>(lowest_port + block * ports_in_block);
        if (is_own_block(block) && works(port, ::bind)) {
            return port;
        }
    }
    throw std::runtime_error("there is no free port on 127.0.0.1");
}

void run_tool(const std::vector<std::string>& arguments, const std::string& package) {
    std::vector<std::string> command = arguments;
    command.front() = absolute_path(arguments.front(), package);
    const Scratch scratch;
    const pid_t pid = spawn(command, scratch / "log");
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
        throw std::runtime_error(command.front() + " failed: " + read_file(scratch / "log"));
    }
}

std::vector<pid_t> descendants_of(pid_t pid) {
    std::vector<pid_t> found;
    if (pid > 1) {
        add_descendants(pid, children_by_parent(), found);
    }
    return found;
}

bool have_ended(const std::vector<pid_t>& processes) {
    return std::all_of(processes.begin(), processes.end(), [](pid_t pid) {
        const std::string state = state_and_parent("/proc/" + std::to_string(pid));
        return state.empty() || state.front() == 'Z' || state.front() == 'X';
    });
}

ServerProcess::ServerProcess(std::vector<std::string> arguments, const std::string& package,
                             std::uint16_t port, std::filesystem::path log)
    : arguments_(std::move(arguments)), port_(port), log_(std::move(log)) {
    arguments_.front() = absolute_path(arguments_.front(), package);
}

ServerProcess::~ServerProcess() {
    kill();
}

void ServerProcess::start() {
    pid_ = spawn(arguments_, log_);
    bool ended = false;
    const bool decided = eventually([&] {
        ended = has_ended();
        return ended || works(port_, ::connect);
    });
    if (!decided || ended || has_ended()) {
        kill();
        throw std::runtime_error(arguments_.front() + " does not listen: " + read_file(log_));
    }
}

bool ServerProcess::has_ended() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == pid_;
}

void ServerProcess::kill() {
    if (pid_ <= 0) {
        return;
    }
    // Stopped, it starts no further process while the others are looked for.
    ::kill(pid_, SIGSTOP);
    for (const pid_t pid : descendants_of(pid_)) {
        ::kill(pid, SIGKILL);
    }
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

}  // namespace mistamover::test
