// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command_line.hpp"

#include <iostream>

#include "arrivals/arrivals_process.hpp"
#include "cli/printable.hpp"
#include "cli/verbs.hpp"
#include "disk_space/disk_space_process.hpp"
#include "plugin_host/schema_query.hpp"
#include "stream/transfer_process.hpp"
#include "supervisor/log_server_process.hpp"

namespace mistamover::cli {
namespace {

constexpr char help[] =
    R"(mistamover - mirrors, stages and moves data streams

  mistamover [run] [--one-off | --daemon] [--foreground] [--debug] [--stream NAME]... [CONFIG]
  mistamover status [--json] [--watch] [CONFIG]    what every stream is doing, and why
  mistamover plugins [list [CONFIG]]               the transfer modules that can be used
  mistamover plugins info NAME [CONFIG]            a module's options and capabilities
  mistamover config check [CONFIG]                 every problem at once, each with file, line, column
  mistamover config show [STREAM] [--config FILE]  the effective settings, and where each came from
  mistamover --version | --help | VERB --help

CONFIG: the argument, else $MISTAMOVER_CONFIG, else ./mistamover.yaml, else /etc/mistamover/mistamover.yaml.
)";

// What the program starts itself as; not for people.
int run_hidden_verb(const std::string& verb, const std::vector<std::string>& rest) {
    if (verb == "_transfer" && rest.size() == 1) {
        return stream::run_transfer_process(rest.front());
    }
    if (verb == "_arrivals" && rest.size() == 1) {
        return arrivals::run_arrivals_process(rest.front());
    }
    if (verb == "_disk-space" && rest.size() == 2) {
        return disk_space::run_disk_space_process(rest[0], rest[1]);
    }
    if (verb == supervisor::log_server_verb) {
        return supervisor::run_log_server_process(rest);
    }
    if (verb == plugin_host::plugin_info_verb && rest.size() == 1) {
        return plugin_host::print_plugin_info(rest.front(), 1);
    }
    throw UsageError("unknown verb `" + verb + "`");
}

bool is_call_for_help(const std::string& word) {
    return word == "--help" || word == "-h";
}

int dispatch(std::vector<std::string> arguments) {
    const std::string first = arguments.empty() ? "" : arguments.front();
    if (is_call_for_help(first) || first == "help") {
        std::cout << help;
        return 0;
    }
    if (first == "--version") {
        std::cout << "mistamover " MISTAMOVER_VERSION "\n";
        return 0;
    }
    if (first.starts_with('_')) {
        return run_hidden_verb(first, {arguments.begin() + 1, arguments.end()});
    }
    const std::vector<std::string> rest(arguments.begin() + (arguments.empty() ? 0 : 1), arguments.end());
    if ((first == "plugins" || first == "config") && !rest.empty() && is_call_for_help(rest.front())) {
        std::cout << help;
        return 0;
    }
    if (first == "run") {
        return run(rest);
    }
    if (first == "status") {
        return status(rest);
    }
    if (first == "plugins") {
        return plugins(rest);
    }
    if (first == "config") {
        return config(rest);
    }
    return run(arguments);
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments) {
    try {
        return dispatch(arguments);
    } catch (const UsageError& error) {
        std::cerr << "mistamover: " << printable(error.what()) << "\nTry `mistamover --help`.\n";
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "mistamover: " << printable(error.what()) << '\n';
        return 3;
    }
}

}  // namespace mistamover::cli
