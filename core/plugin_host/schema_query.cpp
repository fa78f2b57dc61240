// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/schema_query.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "plugin_host/ask_child.hpp"
#include "plugin_host/plugin_info_json.hpp"
#include "process/core_dumps.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::plugin_host {
namespace {

constexpr std::chrono::seconds refusal_kept{60};

/// The process is about to run foreign code, and whoever asked wants to see how it ends: no core, no
/// handler of a sanitizer between a crash and its signal, and no life after the asker's.
void prepare_for_foreign_code() {
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
        (void)std::signal(signal, SIG_DFL);
    }
    process::leave_no_core();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/// A descriptor for the answer that the library does not know, while what the library prints goes elsewhere.
process::UniqueFd take_over_output(int out_fd) {
    constexpr int first_number = 16;
    process::UniqueFd own(::fcntl(out_fd, F_DUPFD_CLOEXEC, first_number));
    if (own.valid() && out_fd != STDERR_FILENO) {
        ::dup2(STDERR_FILENO, out_fd);
    }
    return own;
}

bool write_all(int fd, const std::string& text) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(fd, text.data() + written, text.size() - written);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        written += count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    return true;
}

constexpr char threw[] = "threw an exception while it was loaded: ";

int terminate_answer_fd = -1;

/// Where no handler is found for an exception on its way out of the dynamic linker, this is the last place
/// that knows its text.
[[noreturn]] void answer_and_exit() noexcept {
    std::string answer;
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const std::exception& error) {
        answer = refusal_to_json(std::string(threw) + error.what());
    } catch (...) {
        answer = refusal_to_json(std::string(threw) + "of an unknown type");
    }
    write_all(terminate_answer_fd, answer);
    ::_exit(1);
}

/// PluginRefused texts begin with the library, which whoever asked names itself.
std::string without_name(const std::filesystem::path& library, const std::string& text) {
    const std::string name = library.string() + ": ";
    return text.starts_with(name) ? text.substr(name.size()) : text;
}

std::string answer_for(const std::filesystem::path& library, int& exit_code) {
    try {
        const Plugin plugin(library);
        std::string answer = info_to_json(plugin.descriptor());
        exit_code = 0;
        return answer;
    } catch (const std::exception& error) {
        exit_code = 1;
        return refusal_to_json(without_name(library, error.what()));
    }
}

/// Why a child that gave no whole answer did not, in words about the library.
std::string failure_of(const ChildAnswer& answer, std::chrono::milliseconds deadline) {
    if (answer.timed_out) {
        return "did not finish loading within " + format_duration(deadline);
    }
    if (answer.signal != 0) {
        return std::string("crashed when it was loaded or unloaded: ") + ::strsignal(answer.signal) +
               " (signal " + std::to_string(answer.signal) + ")";
    }
    return {};
}

std::string identity_of(const std::filesystem::path& library) {
    struct stat info {};
    std::string text = library.string();
    if (::stat(library.c_str(), &info) == 0) {
        for (const std::int64_t part :
             {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
              static_cast<std::int64_t>(info.st_size), static_cast<std::int64_t>(info.st_mtim.tv_sec),
              static_cast<std::int64_t>(info.st_mtim.tv_nsec), static_cast<std::int64_t>(info.st_ctim.tv_sec),
              static_cast<std::int64_t>(info.st_ctim.tv_nsec)}) {
            text += '\n' + std::to_string(part);
        }
    }
    return text;
}

}  // namespace

int print_plugin_info(const std::filesystem::path& library, int out_fd) {
    const process::UniqueFd out = take_over_output(out_fd);
    if (!out.valid()) {
        return 1;
    }
    prepare_for_foreign_code();
    terminate_answer_fd = out.get();
    std::set_terminate([] {
        if (std::current_exception() == nullptr) {
            std::abort();
        }
        answer_and_exit();
    });
    int exit_code = 1;
    const std::string answer = answer_for(library, exit_code);
    return write_all(out.get(), answer) ? exit_code : 1;
}

PluginInfo query_plugin(const std::filesystem::path& library, const QueryChild& child) {
    const std::string name = library.string() + ": ";
    try {
        const ChildAnswer answer =
            ask_child(child.program, {"mistamover", plugin_info_verb, library.string()}, child.deadline);
        if (const std::string failure = failure_of(answer, child.deadline); !failure.empty()) {
            throw PluginRefused(failure);
        }
        if (answer.output.empty()) {
            throw PluginRefused("ended the process that loaded it (exit code " +
                                std::to_string(answer.exit_code) + ")");
        }
        PluginInfo info = info_from_json(answer.output);
        info.library = library;
        return info;
    } catch (const PluginRefused& refused) {
        throw PluginRefused(name + refused.what());
    } catch (const std::exception& error) {
        throw PluginRefused(name + "the process that was to load it cannot be asked: " + error.what());
    }
}

ChildSchemaSource::ChildSchemaSource(QueryChild child) : child_(std::move(child)) {}

config::SchemaSource::Answer ChildSchemaSource::schema(
    const std::string& plugin, const std::vector<std::filesystem::path>& plugin_path) {
    std::filesystem::path library;
    try {
        library = find_plugin(plugin, plugin_path);
    } catch (const std::exception& refused) {
        return {std::nullopt, refused.what()};
    }
    const std::string identity = identity_of(library);
    const auto now = std::chrono::steady_clock::now();
    if (const auto found = kept_.find(identity);
        found != kept_.end() &&
        (found->second.answer.schema || now - found->second.asked_at < refusal_kept)) {
        return found->second.answer;
    }
    Answer answer;
    try {
        answer.schema = query_plugin(library, child_).schema;
    } catch (const PluginRefused& refused) {
        answer.error = refused.what();
    }
    kept_[identity] = Kept{answer, std::chrono::steady_clock::now()};
    return answer;
}

}  // namespace mistamover::plugin_host
