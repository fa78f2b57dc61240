// SPDX-License-Identifier: BSD-3-Clause
#include "program.hpp"

#include <Poco/JSON/Parser.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
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

// What /proc/PID/stat says behind the name, which stands in parentheses and may hold anything: the state, the
// parent and so on; empty where the process has gone.
std::string after_name(pid_t pid) {
    const std::string stat = first_line("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t name_end = stat.rfind(") ");
    return name_end == std::string::npos ? "" : stat.substr(name_end + 2);
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
    return RunningProgram(arguments).wait();
}

// The output goes to a file, not a pipe: a daemon may keep its error output.
RunningProgram::RunningProgram(const std::vector<std::string>& arguments,
                               const std::vector<std::string>& environment) {
    std::vector<std::string> texts{MISTAMOVER_PROGRAM};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    const std::string output = (scratch_ / "output").string();
    std::vector<std::string> variables = environment;
    pid_ = ::fork();
    if (pid_ == 0) {
        const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(fd, 1);
        ::dup2(fd, 2);
        for (std::string& variable : variables) {
            ::putenv(variable.data());
        }
        ::execv(MISTAMOVER_PROGRAM, pointers.data());
        ::_exit(127);
    }
}

RunningProgram::~RunningProgram() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        wait();
    }
}

ProgramResult RunningProgram::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(scratch_ / "output")};
}

Site::Site(const std::filesystem::path& target_parent) : targets_(target_parent) {
    write_file(config(),
               "global: {top: " + home_.path().string() +
                   ", general_poll_interval: 200ms, shutdown_grace: 10s}\nlogging: {log_level: DEBUG}\n");
    std::filesystem::create_directories(home_ / "streams.d");
}

void Site::add_stream(const std::string& name, const std::string& extra) {
    add_stream_with(
        name, "plugin: local, target_dir: " + target(name).string() + (extra.empty() ? "" : ", " + extra),
        "");
}

void Site::add_stream_with(const std::string& name, const std::string& outgoing, const std::string& section) {
    std::filesystem::create_directories(source(name));
    std::filesystem::create_directories(target(name));
    const std::filesystem::path file = home_.path() / "streams.d" / (name + ".yaml");
    write_file(file, "data_stream: {directory: " + source(name).string() + "}\noutgoing: {" + outgoing +
                         "}\n" + section + "\n");
    std::filesystem::permissions(file,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

std::string Site::state_of(const std::string& stream) const {
    const ProgramResult result = run_program({"status", "--json", config().string()});
    if (result.exit_code != 0) {
        return "";
    }
    const auto json = Poco::JSON::Parser().parse(result.output).extract<Poco::JSON::Object::Ptr>();
    const auto streams = json->getArray("streams");
    for (unsigned i = 0; i < streams->size(); ++i) {
        if (streams->getObject(i)->getValue<std::string>("name") == stream) {
            return streams->getObject(i)->getValue<std::string>("state");
        }
    }
    return "none";
}

bool Site::carries(const std::string& name, const std::string& stream) const {
    write_file(source(stream) / name, name);
    return eventually([&] { return read_file(target(stream) / name) == name; });
}

Daemon::Daemon(const Site& site, const std::vector<std::string>& environment) : site_(site) {
    const ProgramResult result =
        RunningProgram({"run", "--daemon", site.config().string()}, environment).wait();
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

pid_t Daemon::process(const std::string& name) const {
    const std::vector<pid_t> all = processes();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](pid_t pid) { return process_name(pid) == name; });
    return found == all.end() ? 0 : *found;
}

std::vector<pid_t> processes_of(const Site& site) {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            const auto pid = static_cast<pid_t>(std::stol(name));
            if (process_name(pid).starts_with("mm:") && belongs_to(pid, site.home())) {
                found.push_back(pid);
            }
        }
    }
    return found;
}

bool Daemon::whole(std::size_t streams) const {
    const pid_t head = controller();
    const std::vector<pid_t> all = processes();
    const auto is_log_server = [](pid_t pid) { return process_name(pid) == "mm:log"; };
    return head != 0 && process_name(head) == "mm:ctl" && all.size() == streams + 2 &&
           std::count_if(all.begin(), all.end(), is_log_server) == 1 &&
           std::all_of(all.begin(), all.end(),
                       [&](pid_t pid) { return pid == head || parent_of(pid) == head; });
}

void Daemon::kill(pid_t pid) {
    const auto has_gone = [&] {
        const std::string state = after_name(pid);
        return state.empty() || state.front() == 'Z' || state.front() == 'X';
    };
    ::kill(pid, SIGKILL);
    if (!eventually(has_gone)) {
        throw std::runtime_error("process " + std::to_string(pid) + " does not die");
    }
}

std::string Daemon::description() const {
    constexpr std::size_t shown = 4000;
    std::string text = "controller " + std::to_string(controller()) + ", processes:";
    for (const pid_t pid : processes()) {
        text += ' ' + process_name(pid) + ' ' + std::to_string(pid) + " of " + std::to_string(parent_of(pid));
    }
    const std::string log = site_.log("mistamover_ctl");
    return text + "\n" + log.substr(log.size() > shown ? log.size() - shown : 0);
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

pid_t parent_of(pid_t pid) {
    const std::string state_and_parent = after_name(pid);
    return state_and_parent.empty() ? 0 : static_cast<pid_t>(std::stol(state_and_parent.substr(2)));
}

std::string process_name(pid_t pid) {
    return first_line("/proc/" + std::to_string(pid) + "/comm");
}

}  // namespace mistamover::test
