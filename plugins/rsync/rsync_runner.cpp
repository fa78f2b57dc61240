// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_runner.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <unistd.h>
#include <utility>

#include <mistamover/child_process.hpp>

#include "rsync/backlog.hpp"
#include "rsync/own_files.hpp"
#include "rsync/rsync_output.hpp"

namespace mistamover::rsync {
namespace {

constexpr std::size_t longest_errors = 256UL * 1024;

// Bytes a second: less than any disk gives, and enough for a target that hangs to be given up some time.
constexpr std::uint64_t slowest_reading = 4UL * 1024 * 1024;

// Of an rsync, within a second: each has four bytes, and goes either way once a second at most. The least
// that a transfer moves, by the lowest limit of its bandwidth, is a kibibyte.
constexpr std::uint64_t most_of_keep_alives = 64;

// rsync refuses a file that others may read.
std::string own_password_file(const RsyncOptions& options) {
    return options.work_dir + "/rsync-password";
}

// What a program complains of, without the lines that begin with `no_news`.
class ErrorText {
  public:
    ErrorText(std::string& text, std::string no_news) : text_(text), no_news_(std::move(no_news)) {}
    void feed(std::string_view piece) {
        while (!piece.empty()) {
            const std::size_t length = std::min(piece.find('\n'), piece.size() - 1) + 1;
            text_ += piece.substr(0, std::min(length, longest_errors - text_.size()));
            if (piece[length - 1] == '\n') {
                if (std::string_view(text_).substr(line_).starts_with(no_news_)) {
                    text_.resize(line_);
                }
                line_ = text_.size();
            }
            piece.remove_prefix(length);
        }
    }

  private:
    std::string& text_;
    std::string no_news_;
    std::size_t line_ = 0;  // where the last one begins
};

// Bytes that a process has read and written; 0 where that cannot be told.
struct Moved {
    std::uint64_t read = 0;
    std::uint64_t written = 0;
};
Moved moved_by(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/io");
    std::string key;
    Moved moved;
    file >> key >> moved.read >> key >> moved.written;  // rchar and wchar
    return moved;
}

// Tells whether an rsync that says nothing is to live on. Neither its own timeout nor a count of its bytes
// alone tells that: where the other end's disk hangs, the rsync there goes on saying that it lives.
class SignsOfLife {
  public:
    // `silent_bytes`: at least so many the other end may read without a word.
    explicit SignsOfLife(std::uint64_t silent_bytes) : silent_bytes_(silent_bytes) {}
    // It has printed the line of a file that it begins to send.
    void note_line() { backlog_.note_line(); }
    // To be called about once a second. Returns whether it lives.
    bool look(int pid) {
        const auto now = Clock::now();
        const Moved by_now = moved_by(pid);
        const std::uint64_t moved = by_now.read + by_now.written;
        const std::uint64_t more = moved - std::min(moved, moved_);
        moved_ = std::max(moved, moved_);
        fresh_ = more > most_of_keep_alives ? more : 0;
        last_ = fresh_ > 0 ? now : last_;
        backlog_.note_read(by_now.read);
        const std::uint64_t unseen = std::max(silent_bytes_, backlog_.bytes());
        const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - last_).count();
        return fresh_ > 0 || static_cast<std::uint64_t>(silence) < unseen / slowest_reading;
    }
    // What has been read and written since it was looked at before.
    [[nodiscard]] std::uint64_t fresh_bytes() const noexcept { return fresh_; }

  private:
    using Clock = std::chrono::steady_clock;
    std::uint64_t silent_bytes_;
    Backlog backlog_;
    std::uint64_t moved_ = 0;
    std::uint64_t fresh_ = 0;
    Clock::time_point last_ = Clock::now();
};

}  // namespace

Shared::Shared(const ModuleSettings& settings)
    : options(settings),
      password_file(options.password.empty() ? options.password_file : own_password_file(options)),
      empty_dir(options.work_dir + "/rsync-empty"),
      probe_dir(options.work_dir + "/rsync-probe"),
      probe(options.temp_dir + "-probe"),
      paces(options.transport == Transport::ssh) {
    ::unlink(own_password_file(options).c_str());
}

Shared::~Shared() {
    ::unlink(own_password_file(options).c_str());
}

void Shared::make_files() {
    const std::lock_guard lock(files_mutex);
    if (files_there) {
        return;
    }
    make_own_directory(empty_dir);
    make_own_directory(probe_dir);
    write_own_file(probe_dir + '/' + probe, "");
    if (!options.password.empty()) {
        write_own_file(password_file, options.password + '\n');
    }
    files_there = true;
}

ChildEnd Runner::run(const Arguments& arguments, std::string_view input, const LineHandler& on_line) {
    return run(arguments, input, on_line, {});
}

ChildEnd Runner::run_transfer(const CommandWithInput& command, std::uint64_t bytes,
                              const LineHandler& on_line) {
    // A large file is sent without a word, and so is one compared. All are read before the first is sent
    // where they are compared: no line tells then what the other end has done.
    const bool compares = shared_.options.checksum;
    SignsOfLife life(compares ? bytes : 0);
    const LineHandler on_own_line = [&](std::string_view line) {
        if (!compares) {
            life.note_line();
        }
        on_line(line);
    };
    std::uint64_t left = bytes;
    ChildEnd end = run(command.arguments, command.input, on_own_line, [&](int pid) {
        const bool lives = life.look(pid);
        // It reads what it sends, and writes it: each byte is seen twice.
        const std::uint64_t sent = std::min(life.fresh_bytes() / 2, left);
        left -= sent;
        context_.progress(sent);
        return lives;
    });
    if (end.result.exited_with(0)) {
        context_.progress(left);
    }
    return end;
}

ChildEnd Runner::run_comparison(const CommandWithInput& command, std::uint64_t bytes,
                                const LineHandler& on_line) {
    SignsOfLife life(bytes);
    return run(command.arguments, command.input, on_line, [&](int pid) { return life.look(pid); });
}

ChildEnd Runner::run(const Arguments& arguments, std::string_view input, const LineHandler& on_line,
                     const std::function<bool(int)>& keep_alive) {
    ChildCommand command;
    command.arguments = arguments;
    command.environment = {"TZ=UTC0"};
    command.input = input;
    ChildEnd end;
    LineSplitter lines(on_line);
    // A remove has thousands of such lines, among which its one error would be lost.
    ErrorText errors(end.errors, "file has vanished: \"" + shared_.empty_dir + '/');
    end.result = run_child(
        command, context_, [&](std::string_view piece) { lines.feed(piece); },
        [&](std::string_view piece) { errors.feed(piece); }, keep_alive);
    if (!end.result.exited_with(0)) {
        context_.log(LogLevel::debug, arguments.front() + " ended with " + std::to_string(end.result.code) +
                                          ": " + end.errors);
    }
    return end;
}

Status Runner::failure(const ChildEnd& end) const {
    return failure_of(end, shared_.options.transport == Transport::ssh);
}

}  // namespace mistamover::rsync
