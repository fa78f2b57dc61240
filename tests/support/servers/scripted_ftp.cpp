// SPDX-License-Identifier: BSD-3-Clause
#include "servers/scripted_ftp.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace mistamover::test {
namespace {

constexpr std::size_t transfer_piece = 64UL << 10U;
constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

struct ConnectionOver : std::runtime_error {
    using std::runtime_error::runtime_error;
};

int listen_anywhere() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0 ||
        ::listen(listener, 16) != 0) {
        throw std::system_error(errno, std::generic_category(), "scripted FTP server: listen");
    }
    return listener;
}

std::uint16_t port_of_listener(int listener) {
    sockaddr_in place{};
    socklen_t length = sizeof place;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&place), &length);
    return ntohs(place.sin_port);
}

std::string ftp_time(std::time_t seconds) {
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts)};
}

std::string mlst_facts(const struct stat& entry, std::time_t mtime) {
    const std::string kind =
        S_ISDIR(entry.st_mode) ? "type=dir;" : "type=file;size=" + std::to_string(entry.st_size) + ';';
    return kind + "modify=" + ftp_time(mtime) + ';';
}

std::string failure_reply() {
    return "550 " + std::generic_category().message(errno);
}

bool is_same_but_for_case(const std::string& a, const std::string& b) {
    const auto lower = [](char letter) { return std::tolower(static_cast<unsigned char>(letter)); };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
}

/// The path as it is spelled on the disk, as far as something is there, in whatever case `path` has it.
std::filesystem::path on_disk(const std::filesystem::path& path) {
    std::filesystem::path found;
    for (const std::filesystem::path& part : path.lexically_normal()) {
        std::filesystem::path next = found / part;
        std::error_code error;
        if (!std::filesystem::exists(next, error)) {
            for (std::filesystem::directory_iterator entry(found, error), end; !error && entry != end;
                 entry.increment(error)) {
                if (is_same_but_for_case(entry->path().filename().string(), part.string())) {
                    next = entry->path();
                }
            }
        }
        found = next;
    }
    return found;
}

const std::map<std::string, std::string>& constant_replies() {
    static const std::map<std::string, std::string> replies{
        {"USER", "331 Any password will do"},
        {"PASS", "230 Welcome"},
        {"FEAT",
         "211-Features:\r\n EPSV\r\n MDTM\r\n MLST type*;size*;modify*;\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n"
         "211 End"},
        {"OPTS", "200 So be it"},
        {"TYPE", "200 So be it"},
        {"NOOP", "200 Nothing done"},
    };
    return replies;
}

}  // namespace

class ScriptedFtp::Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() {
        if (valid()) {
            ::close(number_);
        }
    }
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    /// Of a socket: the other side sees a failure, not an end, when it is closed.
    void reset_when_closed() const {
        const linger at_once{1, 0};
        ::setsockopt(number_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

  private:
    int number_;
};

/// One control connection, and the data connection that it has at the moment.
class ScriptedFtp::Connection {
  public:
    Connection(ScriptedFtp& server, int control) : server_(server), control_(control) {
        const int on = 1;
        ::setsockopt(control, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }

    void run() {
        try {
            say("220 Ready");
            while (open_) {
                obey(next_line());
            }
        } catch (const std::exception& error) {
            server_.note(std::string("(over: ") + error.what() + ')');
        }
    }

  private:
    void wait_for(int socket, short events) const {
        if (!server_.await(socket, events)) {
            throw ConnectionOver("the server ends");
        }
    }

    /// Empty at the end of what is sent.
    [[nodiscard]] std::string receive(int socket) const {
        std::string bytes(transfer_piece, '\0');
        wait_for(socket, POLLIN);
        const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
        if (got < 0) {
            throw ConnectionOver("the client has broken it");
        }
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }

    /// False where the other side takes no more.
    [[nodiscard]] bool send(int socket, std::string_view bytes) const {
        while (!bytes.empty()) {
            wait_for(socket, POLLOUT);
            const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINTR) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        }
        return true;
    }

    std::string next_line() {
        std::size_t end = 0;
        while ((end = received_.find("\r\n")) == std::string::npos) {
            const std::string bytes = receive(control_.get());
            if (bytes.empty()) {
                throw ConnectionOver("the client has ended it");
            }
            received_ += bytes;
        }
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 2);
        return line;
    }

    void say(const std::string& reply) {
        server_.note("< " + reply);
        open_ = !reply.starts_with("421") && !reply.starts_with("221");
        if (!send(control_.get(), reply + "\r\n")) {
            throw ConnectionOver("the client takes no reply");
        }
    }

    void say_whether(bool done, const char* reply) { say(done ? reply : failure_reply()); }

    [[noreturn]] void drop() const {
        for (const Descriptor* socket : {&data_, &control_}) {
            socket->reset_when_closed();
        }
        throw ConnectionOver("reset by the script");
    }

    void obey(const std::string& line) {
        server_.note("> " + line);
        const std::size_t blank = std::min(line.find(' '), line.size());
        const std::string verb = line.substr(0, blank);
        const std::string argument = line.substr(std::min(blank + 1, line.size()));
        const std::optional<Step> step = server_.step_for(verb, argument);
        drop_after_ = never;
        deed_at_end_ = nullptr;
        offset_ = std::exchange(next_offset_, 0);
        if (!step || has_to_be_carried_out(*step)) {
            carry_out(verb, argument);
        }
    }

    /// Does what else the step says.
    bool has_to_be_carried_out(const Step& step) {
        switch (step.act) {
            case Act::answer:
                say(step.reply);
                return false;
            case Act::ignore:
                return false;
            case Act::drop:
                if (step.after == 0) {
                    drop();
                }
                drop_after_ = step.after;
                return true;
            case Act::carry_out:
                step.deed();
                return true;
            case Act::carry_out_before:
                deed_at_end_ = step.deed;
                return true;
        }
        return true;
    }

    void carry_out(const std::string& verb, const std::string& argument) {
        const auto constant = constant_replies().find(verb);
        const auto& methods = methods_by_verb();
        const auto method = methods.find(verb);
        if (constant != constant_replies().end()) {
            say(constant->second);
        } else if (method != methods.end()) {
            (this->*method->second)(argument);
        } else {
            say("502 Not known here");
        }
    }

    using Method = void (Connection::*)(const std::string&);
    static const std::map<std::string, Method>& methods_by_verb() {
        static const std::map<std::string, Method> methods{
            {"CWD", &Connection::enter},       {"PWD", &Connection::tell_directory},
            {"MKD", &Connection::make},        {"RMD", &Connection::remove_directory},
            {"DELE", &Connection::remove},     {"RNFR", &Connection::rename_from},
            {"RNTO", &Connection::rename_to},  {"SIZE", &Connection::tell_size},
            {"MDTM", &Connection::tell_time},  {"MLST", &Connection::tell_facts},
            {"MLSD", &Connection::list},       {"EPSV", &Connection::offer_port},
            {"REST", &Connection::set_offset}, {"STOR", &Connection::store},
            {"RETR", &Connection::retrieve},   {"QUIT", &Connection::quit},
        };
        return methods;
    }

    [[nodiscard]] std::string path_of(const std::string& argument) const {
        const std::filesystem::path path = directory_ / server_.changed(argument);
        return (server_.takes_case_for_one() ? on_disk(path) : path).string();
    }

    void enter(const std::string& argument) {
        const std::filesystem::path path = path_of(argument);
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) {
            directory_ = path;
            say("250 Entered");
        } else {
            say("550 No directory");
        }
    }
    void tell_directory(const std::string&) { say("257 \"" + directory_.string() + "\" is the directory"); }
    void make(const std::string& argument) {
        say_whether(::mkdir(path_of(argument).c_str(), 0777) == 0, "257 Made");
    }
    void remove_directory(const std::string& argument) {
        say_whether(::rmdir(path_of(argument).c_str()) == 0, "250 Removed");
    }
    void remove(const std::string& argument) {
        say_whether(::unlink(path_of(argument).c_str()) == 0, "250 Removed");
    }
    void rename_from(const std::string& argument) {
        from_ = path_of(argument);
        say_whether(::access(from_.c_str(), F_OK) == 0, "350 To what");
    }
    void rename_to(const std::string& argument) {
        const std::string to = path_of(argument);
        if (server_.keeps_existing() && ::access(to.c_str(), F_OK) == 0) {
            say("550 It is there");
            return;
        }
        const bool renamed = ::rename(from_.c_str(), to.c_str()) == 0;
        say(renamed ? "250 Renamed" : "550 Not renamed: " + std::generic_category().message(errno));
    }
    /// False, and said so, where it is not there.
    [[nodiscard]] bool find(const std::string& argument, struct stat& entry) {
        const bool there = ::stat(path_of(argument).c_str(), &entry) == 0;
        if (!there) {
            say(failure_reply());
        }
        return there;
    }
    [[nodiscard]] std::time_t told_time_of(const struct stat& entry) const {
        return entry.st_mtime + server_.clock_ahead_s_;
    }
    void tell_size(const std::string& argument) {
        struct stat entry = {};
        if (find(argument, entry)) {
            say(S_ISREG(entry.st_mode) ? "213 " + std::to_string(entry.st_size) : "550 Not a file");
        }
    }
    void tell_time(const std::string& argument) {
        struct stat entry = {};
        if (find(argument, entry)) {
            say("213 " + ftp_time(told_time_of(entry)));
        }
    }
    void tell_facts(const std::string& argument) {
        struct stat entry = {};
        if (find(argument, entry)) {
            const std::string name =
                server_.takes_case_for_one() ? path_of(argument) : server_.changed(argument);
            say("250-Facts:\r\n " + mlst_facts(entry, told_time_of(entry)) + ' ' + name + "\r\n250 End");
        }
    }
    void quit(const std::string&) { say("221 Goodbye"); }

    // Kept until the next one, so that a refused transfer does not refuse its connection, too.
    void offer_port(const std::string&) {
        listener_ = Descriptor(listen_anywhere());
        say("229 Entering Extended Passive Mode (|||" + std::to_string(port_of_listener(listener_.get())) +
            "|)");
    }
    void set_offset(const std::string& argument) {
        next_offset_ = std::stoull(argument);
        say("350 From there");
    }

    void open_data() {
        if (!listener_.valid()) {
            throw ConnectionOver("a transfer without a port");
        }
        wait_for(listener_.get(), POLLIN);
        data_ = Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        listener_ = Descriptor();
        // So little is on its way that a client that cuts a transfer off is noticed.
        const auto size = static_cast<int>(transfer_piece);
        ::setsockopt(data_.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        say("150 Here it goes");
    }

    /// False where the client has cut it off.
    [[nodiscard]] bool send_data(std::string_view bytes) const { return send(data_.get(), bytes); }

    void end_data(bool whole) {
        data_ = Descriptor();
        say(whole ? "226 Done" : server_.end_of_cut_transfer());
    }

    void list(const std::string& argument) {
        std::error_code error;
        std::string text;
        for (const auto& entry : std::filesystem::directory_iterator(path_of(argument), error)) {
            struct stat found = {};
            if (::stat(entry.path().c_str(), &found) == 0) {
                text +=
                    mlst_facts(found, told_time_of(found)) + ' ' + entry.path().filename().string() + "\r\n";
            }
        }
        if (error) {
            say("550 " + error.message());
            return;
        }
        open_data();
        end_data(send_data(text));
    }

    void store(const std::string& argument) {
        const std::string refusal = server_.refusal_of_restart();
        if (offset_ != 0 && !refusal.empty()) {
            say(refusal);
            return;
        }
        const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (offset_ == 0 ? O_TRUNC : 0);
        std::string path = path_of(argument);
        while (server_.keeps_existing() && ::access(path.c_str(), F_OK) == 0) {
            path += ".1";
        }
        const Descriptor file(::open(path.c_str(), flags, 0666));
        if (!file.valid()) {
            say(failure_reply());
            return;
        }
        open_data();
        std::uint64_t carried = 0;
        bool refused = false;
        for (std::string bytes = receive(data_.get()); !bytes.empty(); bytes = receive(data_.get())) {
            const auto place = static_cast<off_t>(offset_ + carried);
            if (::pwrite(file.get(), bytes.data(), bytes.size(), place) !=
                static_cast<ssize_t>(bytes.size())) {
                throw std::system_error(errno, std::generic_category(), "write " + argument);
            }
            refused = refused || server_.has_refused_part(bytes);
            server_.bytes_stored_ += bytes.size();
            carried += bytes.size();
            drop_once_due(carried);
        }
        if (deed_at_end_) {
            deed_at_end_();
        }
        data_ = Descriptor();
        say(server_.end_of_upload(refused));
    }

    void retrieve(const std::string& argument) {
        auto place = static_cast<off_t>(offset_);
        const Descriptor file(::open(path_of(argument).c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.valid()) {
            say(failure_reply());
            return;
        }
        open_data();
        std::string bytes(transfer_piece, '\0');
        std::uint64_t carried = 0;
        bool taken = true;
        ssize_t got = 0;
        while (taken && (got = ::pread(file.get(), bytes.data(), bytes.size(), place)) > 0) {
            taken = send_data({bytes.data(), static_cast<std::size_t>(got)});
            place += got;
            carried += static_cast<std::uint64_t>(got);
            drop_once_due(carried);
        }
        end_data(taken);
    }

    void drop_once_due(std::uint64_t carried) const {
        if (carried >= drop_after_) {
            drop();
        }
    }

    ScriptedFtp& server_;
    Descriptor control_;
    Descriptor listener_;
    Descriptor data_;
    std::string received_;
    std::filesystem::path directory_ = "/";
    std::string from_;
    std::uint64_t offset_ = 0;  // where the command in hand begins: REST counts for the next one alone
    std::uint64_t next_offset_ = 0;
    std::uint64_t drop_after_ = never;
    std::function<void()> deed_at_end_;
    bool open_ = true;
};

ScriptedFtp::ScriptedFtp()
    : ending_(::eventfd(0, EFD_CLOEXEC)), listener_(listen_anywhere()), port_(port_of_listener(listener_)) {
    thread_ = std::thread([this] { run(); });
}

ScriptedFtp::~ScriptedFtp() {
    ::eventfd_write(ending_, 1);
    thread_.join();
    for (std::thread& connection : connections_) {
        connection.join();
    }
    ::close(listener_);
    ::close(ending_);
}

void ScriptedFtp::run() {
    while (await(listener_, POLLIN)) {
        const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (client >= 0) {
            connections_.emplace_back([this, client] { Connection(*this, client).run(); });
        }
    }
}

/// False once it is to end.
bool ScriptedFtp::await(int descriptor, short events) const {
    std::array<pollfd, 2> watched{{{descriptor, events, 0}, {ending_, POLLIN, 0}}};
    while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
    }
    return watched[1].revents == 0;
}

void ScriptedFtp::answer(const std::string& verb, const std::string& reply, const std::string& about) {
    add({verb, about, Act::answer, reply});
}

void ScriptedFtp::drop_at(const std::string& verb, std::uint64_t after, const std::string& about) {
    add({verb, about, Act::drop, "", after});
}

void ScriptedFtp::ignore(const std::string& verb, const std::string& about) {
    add({verb, about, Act::ignore});
}

void ScriptedFtp::meanwhile(const std::string& verb, std::function<void()> deed, const std::string& about) {
    add({verb, about, Act::carry_out, "", 0, std::move(deed)});
}

void ScriptedFtp::at_end_of_upload(std::function<void()> deed, const std::string& about) {
    add({"STOR", about, Act::carry_out_before, "", 0, std::move(deed)});
}

void ScriptedFtp::add(Step step) {
    const std::lock_guard lock(mutex_);
    steps_.push_back(std::move(step));
}

bool ScriptedFtp::script_done() const {
    const std::lock_guard lock(mutex_);
    return steps_.empty();
}

void ScriptedFtp::always_answer(const std::string& verb, const std::string& reply, const std::string& about) {
    const std::lock_guard lock(mutex_);
    always_[{verb, about}] = reply;
}

void ScriptedFtp::change_names(std::function<std::string(const std::string&)> change) {
    const std::lock_guard lock(mutex_);
    change_of_names_ = std::move(change);
}

void ScriptedFtp::take_case_for_one() {
    const std::lock_guard lock(mutex_);
    takes_case_for_one_ = true;
}

bool ScriptedFtp::takes_case_for_one() const {
    const std::lock_guard lock(mutex_);
    return takes_case_for_one_;
}

void ScriptedFtp::refuse_content(const std::string& part, const std::string& reply) {
    const std::lock_guard lock(mutex_);
    refused_part_ = part;
    refusal_of_content_ = reply;
}

bool ScriptedFtp::has_refused_part(std::string_view bytes) const {
    const std::lock_guard lock(mutex_);
    return !refused_part_.empty() && bytes.find(refused_part_) != std::string_view::npos;
}

std::string ScriptedFtp::end_of_upload(bool has_part) const {
    const std::lock_guard lock(mutex_);
    return has_part ? refusal_of_content_ : "226 Done";
}

void ScriptedFtp::keep_existing() {
    const std::lock_guard lock(mutex_);
    keeps_existing_ = true;
}

bool ScriptedFtp::keeps_existing() const {
    const std::lock_guard lock(mutex_);
    return keeps_existing_;
}

std::string ScriptedFtp::changed(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    const std::size_t name = path.rfind('/') + 1;
    return change_of_names_ ? path.substr(0, name) + change_of_names_(path.substr(name)) : path;
}

void ScriptedFtp::end_cut_transfers_with(const std::string& reply) {
    const std::lock_guard lock(mutex_);
    end_of_cut_transfer_ = reply;
}

void ScriptedFtp::refuse_restarts_with(const std::string& reply) {
    const std::lock_guard lock(mutex_);
    refusal_of_restart_ = reply;
}

std::string ScriptedFtp::refusal_of_restart() const {
    const std::lock_guard lock(mutex_);
    return refusal_of_restart_;
}

std::string ScriptedFtp::end_of_cut_transfer() const {
    const std::lock_guard lock(mutex_);
    return end_of_cut_transfer_;
}

std::optional<ScriptedFtp::Step> ScriptedFtp::step_for(const std::string& verb, const std::string& argument) {
    const std::lock_guard lock(mutex_);
    ++counts_[verb];
    if (!steps_.empty() && steps_.front().verb == verb &&
        argument.find(steps_.front().about) != std::string::npos) {
        Step step = std::move(steps_.front());
        steps_.pop_front();
        return step;
    }
    for (const auto& [command, reply] : always_) {
        const auto& [its_verb, about] = command;
        if (its_verb == verb && !reply.empty() && argument.find(about) != std::string::npos) {
            return Step{verb, about, Act::answer, reply};
        }
    }
    return std::nullopt;
}

std::size_t ScriptedFtp::count(const std::string& verb) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(verb);
    return found != counts_.end() ? found->second : 0;
}

std::string ScriptedFtp::log() const {
    const std::lock_guard lock(mutex_);
    return log_;
}

void ScriptedFtp::note(const std::string& line) {
    const std::lock_guard lock(mutex_);
    log_ += line + '\n';
}

}  // namespace mistamover::test
