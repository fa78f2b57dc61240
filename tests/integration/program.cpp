// SPDX-License-Identifier: BSD-3-Clause
#include "program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <sys/wait.h>
#include <unistd.h>

namespace mistamover::test {
namespace {

std::string first_line(const std::filesystem::path& path) {
    const std::string text = read_file(path);
    return text.substr(0, text.find('\n'));
}

// Every process has, as an ancestor of what it was given, the site's directory in its command line or its
// lock.
bool belongs_to(pid_t pid, const std::filesystem::path& home) {
    const std::filesystem::path process = "/proc/" + std::to_string(pid);
    if (read_file(process / "cmdline").find(home.string()) != std::string::npos) {
        return true;
    }
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(process / "fd", error)) {
        const std::string link = std::filesystem::read_symlink(entry.path(), error).string();
        if (link.starts_with((home / "run").string())) {
            return true;
        }
    }
    return false;
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& arguments) {
    std::vector<std::string> texts{MISTAMOVER_PROGRAM};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    // A file, not a pipe: a daemon may keep its error output.
    const Scratch scratch;
    const std::string output = (scratch / "output").string();
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, 1);
        ::dup2(fd, 2);
        ::execv(MISTAMOVER_PROGRAM, pointers.data());
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(output)};
}

Site::Site(const std::filesystem::path& target_parent) : targets_(target_parent) {
    write_file(config(),
               "global: {top: " + home_.path().string() +
                   ", general_poll_interval: 200ms, shutdown_grace: 10s}\nlogging: {log_level: DEBUG}\n");
    std::filesystem::create_directories(home_ / "streams.d");
}

void Site::add_stream(const std::string& name, const std::string& extra) {
    std::filesystem::create_directories(source(name));
    std::filesystem::create_directories(target(name));
    write_file(home_.path() / "streams.d" / (name + ".yaml"),
               "data_stream: {directory: " + source(name).string() +
                   "}\noutgoing: {plugin: local, target_dir: " + target(name).string() +
                   (extra.empty() ? "" : ", " + extra) + "}\n");
}

Daemon::Daemon(const Site& site) : site_(site) {
    const ProgramResult result = run_program({"run", "--daemon", site.config().string()});
    if (result.exit_code != 0) {
        throw std::runtime_error("the daemon did not start: " + result.output);
    }
}

Daemon::~Daemon() {
    if (!stop()) {
        for (const pid_t pid : processes()) {
            ::kill(pid, SIGKILL);
        }
    }
}

pid_t Daemon::controller() const {
    const std::string pid = first_line(site_.home() / "run" / "mistamover.pid");
    return pid.empty() ? 0 : static_cast<pid_t>(std::stol(pid));
}

std::vector<pid_t> Daemon::processes() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            const auto pid = static_cast<pid_t>(std::stol(name));
            if (process_name(pid).starts_with("mm:") && belongs_to(pid, site_.home())) {
                found.push_back(pid);
            }
        }
    }
    return found;
}

bool Daemon::whole(std::size_t streams) const {
    std::size_t controllers = 0;
    std::size_t log_servers = 0;
    const std::vector<pid_t> all = processes();
    for (const pid_t pid : all) {
        const std::string name = process_name(pid);
        controllers += name == "mm:ctl" && pid == controller() ? 1 : 0;
        log_servers += name == "mm:log" ? 1 : 0;
    }
    return controllers == 1 && log_servers == 1 && all.size() == streams + 2;
}

bool Daemon::stop() {
    return eventually([this] {
        const std::vector<pid_t> left = processes();
        if (const pid_t pid = controller(); pid != 0 && process_name(pid) == "mm:ctl") {
            ::kill(pid, SIGTERM);
        }
        return left.empty();
    });
}

std::string process_name(pid_t pid) {
    return first_line("/proc/" + std::to_string(pid) + "/comm");
}

}  // namespace mistamover::test
