// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include <mistamover/units.hpp>

#include "cli/options.hpp"
#include "cli/printable.hpp"
#include "supervisor/controller.hpp"
#include "supervisor/detach.hpp"

namespace mistamover::cli {
namespace {

// What is still to be sent, as far as it can be told: what was sent in vain counts as well.
std::uint64_t bytes_left(const process::StreamReport& report) {
    const std::uint64_t under_way = report.sent_bytes - std::min(report.sent_bytes, report.delivered_bytes);
    return report.backlog_bytes - std::min(report.backlog_bytes, under_way);
}

class Terminal final : public supervisor::Audience {
  public:
    explicit Terminal(bool shows_progress)
        : shows_progress_(shows_progress), is_terminal_(::isatty(2) == 1) {}

    void problem(const std::string& text) override { std::cerr << "mistamover: " << printable(text) << '\n'; }

    void progress(const supervisor::Children& children) override {
        if (!shows_progress_ || (!is_terminal_ && ++calls_ % 10 != 0)) {
            return;
        }
        process::StreamReport sum;
        for (const auto& [name, child] : children) {
            sum.delivered_units += child->report.delivered_units;
            sum.sent_bytes += child->report.sent_bytes;
            sum.bytes_per_second += child->report.bytes_per_second;
            sum.backlog_units += child->report.backlog_units;
            sum.backlog_bytes += bytes_left(child->report);
        }
        std::cerr << (is_terminal_ ? "\r\033[K" : "") << sum.delivered_units << " files, "
                  << format_size({sum.sent_bytes}) << " sent, " << format_size({sum.bytes_per_second})
                  << "/s, " << sum.backlog_units << " files left";
        if (sum.bytes_per_second > 0 && sum.backlog_bytes > 0) {
            const std::uint64_t seconds = sum.backlog_bytes / sum.bytes_per_second + 1;
            std::cerr << ", about " << format_duration(std::chrono::seconds{seconds});
        }
        std::cerr << (is_terminal_ ? "" : "\n") << std::flush;
        line_open_ = is_terminal_;
    }

    void left(const std::string& stream, const process::UnitLeft& unit) override {
        close_line();
        std::cerr << stream << ": left " << printable(unit.name) << ": " << printable(unit.reason) << '\n';
    }

    void summary(const supervisor::Children& children) override {
        if (!shows_progress_) {
            return;
        }
        close_line();
        for (const auto& [name, child] : children) {
            const process::StreamReport& report = child->report;
            std::cout << name << ": " << report.delivered_units << " delivered ("
                      << format_size({report.delivered_bytes}) << "), " << report.backlog_units << " left, "
                      << report.quarantined_units << " quarantined\n";
        }
    }

  private:
    void close_line() {
        if (line_open_) {
            std::cerr << '\n';
            line_open_ = false;
        }
    }

    bool shows_progress_;
    bool is_terminal_;
    bool line_open_ = false;
    unsigned calls_ = 0;
};

}  // namespace

int run(const std::vector<std::string>& arguments) {
    namespace po = boost::program_options;
    po::options_description options("options");
    po::options_description hidden;
    hidden.add_options()("revived", "by the log server: keep nothing of what is given");
    options.add_options()("one-off", "one pass over every stream, then exit (the default)")(
        "daemon", "keep going until stopped")(
        "foreground", "with --daemon: stay attached to the terminal, or systemd")("debug", "log everything")(
        "stream", po::value<std::vector<std::string>>()->default_value({}, ""),
        "only this stream; may be given several times");
    const auto found = parse_options(
        arguments,
        "mistamover [run] [--one-off | --daemon] [--foreground] [--debug] [--stream NAME]... [CONFIG]",
        options, 1, hidden);
    if (!found) {
        return 0;
    }
    const bool daemon = found->contains("daemon");
    if (daemon && found->contains("one-off")) {
        throw UsageError("--one-off and --daemon exclude each other");
    }
    const auto& words = (*found)["words"].as<std::vector<std::string>>();
    supervisor::ControllerOptions controller;
    controller.config_file = std::filesystem::absolute(
        config::configuration_file(words.empty() ? std::nullopt : std::optional(words.front())));
    controller.one_off = !daemon;
    controller.debug = found->contains("debug");
    controller.revived = found->contains("revived");
    controller.streams = (*found)["stream"].as<std::vector<std::string>>();
    // systemd starts the service again by itself, and would take a revived controller for a stray.
    if (daemon &&
        std::getenv("NOTIFY_SOCKET") == nullptr) {  // NOLINT(concurrency-mt-unsafe): before any thread
        controller.revive_arguments = {"run", "--daemon", "--foreground", "--revived"};
        if (controller.debug) {
            controller.revive_arguments.emplace_back("--debug");
        }
        for (const std::string& stream : controller.streams) {
            controller.revive_arguments.insert(controller.revive_arguments.end(), {"--stream", stream});
        }
        controller.revive_arguments.push_back(controller.config_file.string());
    }
    std::optional<supervisor::Detach> detach;
    if (daemon && !found->contains("foreground")) {
        detach.emplace();
    } else if (controller.revived) {
        supervisor::keep_terminal_from_children();
    }
    Terminal terminal(!daemon);
    const bool revived = controller.revived;
    const int code = supervisor::Controller(std::move(controller), terminal, [&] {
                         if (detach) {
                             detach->report(0);
                             detach.reset();
                         } else if (revived) {
                             supervisor::let_go_of_terminal();
                         }
                     }).run();
    if (detach) {
        detach->report(code);
    }
    return code;
}

}  // namespace mistamover::cli
