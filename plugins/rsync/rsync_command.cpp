// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_command.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

#include "rsync/mirror_filter.hpp"

namespace mistamover::rsync {
namespace {

// Of "MODULE/path", as a daemon's target_dir is.
std::string module_of(const std::string& target_dir) {
    return target_dir.substr(0, target_dir.find('/'));
}

// As parse_item_line() reads it.
constexpr char item_format[] = "--out-format=%i %l %n";

constexpr std::uint64_t kibibyte = 1024;

void append(Arguments& arguments, const Arguments& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
}

std::string with_slash(std::string_view path) {
    std::string text(path);
    if (!text.ends_with('/')) {
        text += '/';
    }
    return text;
}

// ssh replaces %-sequences in paths that are options.
std::string without_tokens(std::string_view path) {
    std::string text;
    for (const char c : path) {
        text.append(c == '%' ? 2 : 1, c);
    }
    return text;
}

// At least half of what the system allows is left to the rest of the command line and to the environment.
bool fit_on_command_line(std::span<const std::string_view> names, const std::string& root) {
    constexpr std::size_t always_enough =
        1UL << 20U;  // the system says more than it allows where stacks are unlimited
    const std::size_t limit = std::min(static_cast<std::size_t>(::sysconf(_SC_ARG_MAX)) / 2, always_enough);
    std::size_t bytes = 0;
    for (const std::string_view name : names) {
        bytes += root.size() + name.size() + std::string_view("./").size() + 1 + sizeof(char*);
    }
    return bytes <= limit;
}

bool any_is_in_directory(std::span<const std::string_view> names) {
    return std::any_of(names.begin(), names.end(),
                       [](std::string_view name) { return name.find('/') != std::string_view::npos; });
}

std::string bracketed(const std::string& host) {
    const bool is_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
    return is_ipv6 ? '[' + host + ']' : host;
}

}  // namespace

std::string name_list(std::span<const std::string_view> names) {
    std::string list;
    for (const std::string_view name : names) {
        list += "./";
        list += name;
        list += '\0';
    }
    return list;
}

std::string quoted_for_rsh(std::string_view argument) {
    std::string text = "'";
    for (const char c : argument) {
        text.append(c == '\'' ? 2 : 1, c);
    }
    return text + '\'';
}

CommandBuilder::CommandBuilder(const RsyncOptions& options, std::string password_file,
                               std::string control_path, std::int64_t stall_timeout_ms)
    : options_(options),
      password_file_(std::move(password_file)),
      control_path_(std::move(control_path)),
      timeout_seconds_(std::max<std::int64_t>(stall_timeout_ms / 1000, 1)) {}

Arguments CommandBuilder::rsync(const Arguments& extra_args) const {
    Arguments arguments{options_.cmd, "-s", "-8", "--from0", timeout_argument()};
    if (options_.transport == Transport::ssh) {
        std::string shell;
        for (const std::string& argument : ssh_options()) {
            shell += (shell.empty() ? "" : " ") + quoted_for_rsh(argument);
        }
        append(arguments, {"-e", shell});
    } else if (options_.transport == Transport::daemon) {
        append(arguments,
               {"--no-motd", "--sockopts=TCP_NODELAY", "--contimeout=" + std::to_string(timeout_seconds_)});
        if (options_.port) {
            arguments.push_back("--port=" + std::to_string(*options_.port));
        }
        if (!password_file_.empty()) {
            arguments.push_back("--password-file=" + password_file_);
        }
    }
    append(arguments, extra_args);
    return arguments;
}

// Links, times and permissions are kept, but for what would change whose rights a file runs with, and what
// would keep its owner from removing a directory.
Arguments CommandBuilder::sending() const {
    Arguments arguments = rsync();
    append(arguments, {"-ltpO", "--chmod=Fug-s,Du+rwx", "-ii", item_format});
    if (options_.compress) {
        arguments.emplace_back("-z");
    }
    if (options_.session_bandwidth != 0) {
        const std::uint64_t rate = std::max<std::uint64_t>(options_.session_bandwidth / kibibyte, 1);
        arguments.push_back("--bwlimit=" + std::to_string(rate));
    }
    return arguments;
}

// Where the place of a file is on another file system than this, rsync copies what is whole over what is
// there, in the sight of all: so it is for files of the target directory itself. Others rsync writes beside
// their places.
std::string CommandBuilder::temp_argument() const {
    return "--temp-dir=" + options_.temp_dir;
}

std::string CommandBuilder::timeout_argument() const {
    return "--timeout=" + std::to_string(timeout_seconds_);
}

void CommandBuilder::compare_contents(Arguments& arguments) const {
    arguments.erase(std::remove(arguments.begin(), arguments.end(), timeout_argument()), arguments.end());
    arguments.emplace_back("--checksum");
}

// Names stand on the command line where they fit: a list of names rsync reads byte by byte, at two system
// calls each.
CommandWithInput CommandBuilder::sending(Arguments options, std::string_view source_root,
                                         std::string_view prefix,
                                         std::span<const std::string_view> names) const {
    CommandWithInput command{std::move(options), {}};
    command.arguments.emplace_back("--no-implied-dirs");
    const std::string root = with_slash(source_root);
    if (fit_on_command_line(names, root)) {
        append(command.arguments, {"--relative", "--dirs", "--"});
        for (const std::string_view name : names) {
            command.arguments.push_back(root + "./");
            command.arguments.back() += name;
        }
    } else {
        append(command.arguments, {"--files-from=-", root});
        command.input = name_list(names);
    }
    command.arguments.push_back(destination(prefix));
    return command;
}

CommandWithInput CommandBuilder::put(std::string_view source_root, std::string_view prefix,
                                     std::span<const std::string_view> names, bool paced) const {
    Arguments options = sending();
    if (paced) {
        options.emplace_back(pacing_option);
    }
    if (options_.checksum) {
        compare_contents(options);
    } else {
        options.emplace_back("--ignore-times");
    }
    if (prefix.empty() && !any_is_in_directory(names)) {
        options.push_back(temp_argument());
    }
    return sending(std::move(options), source_root, prefix, names);
}

CommandWithInput CommandBuilder::compare(std::string_view source_root, std::string_view prefix,
                                         std::span<const std::string_view> names) const {
    Arguments options = sending();
    options.emplace_back("--dry-run");
    compare_contents(options);
    return sending(std::move(options), source_root, prefix, names);
}

// Without the option, rsync compares each name that comes with each that was asked for.
Arguments CommandBuilder::list(bool trust_sender) const {
    Arguments arguments = rsync();
    if (trust_sender) {
        arguments.emplace_back(trust_sender_option);
    }
    append(arguments, {"--list-only", "--no-human-readable", "--dirs", "--ignore-missing-args",
                       "--no-implied-dirs", "--files-from=-", location(""), "."});
    return arguments;
}

Arguments CommandBuilder::fetch(std::uint64_t limit, const std::string& into) const {
    Arguments arguments = rsync();
    const std::string from = options_.transport == Transport::daemon
                                 ? daemon_location(with_slash(module_of(options_.target_dir)))
                                 : location("");
    append(arguments, {"--max-size=" + std::to_string(limit), "--ignore-missing-args", "--no-implied-dirs",
                       "--no-relative", "--files-from=-", from, with_slash(into)});
    return arguments;
}

std::string CommandBuilder::fetch_name(std::string_view path) const {
    if (options_.transport != Transport::daemon) {
        return std::string(path);
    }
    const std::string whole = target_path(path);
    return whole.substr(module_of(whole).size() + 1);
}

Arguments CommandBuilder::remove(const std::string& empty) const {
    Arguments arguments = rsync();
    append(arguments, {"--delete-missing-args", item_format, "--no-implied-dirs", "--files-from=-",
                       with_slash(empty), destination("")});
    return arguments;
}

// It makes, sends and replaces nothing, be it a file where a parent is looked for, and follows no link to a
// directory, as rsync does with incremental recursion. What some entry forbids does not keep it from the
// others. Owner and rights, which the user's arguments may tell it to keep, would be those of `parents`.
CommandWithInput CommandBuilder::remove_by_rules(const std::string& parents,
                                                 std::span<const std::string_view> names) const {
    Arguments arguments = rsync(connecting_arguments(options_.extra_args));
    append(arguments, {"--existing", "--ignore-existing", "--recursive", "--no-inc-recursive", "--relative",
                       "--delete-during", "--ignore-errors", item_format, "--filter=merge -", "--filter=P *",
                       with_slash(parents) + "./", destination("")});
    return {std::move(arguments), removal_rules(names)};
}

Arguments CommandBuilder::make_directory(std::string_view path, const std::string& empty) const {
    Arguments arguments = rsync();
    append(arguments, {"--dirs", with_slash(empty), location(path)});
    return arguments;
}

Arguments CommandBuilder::mirroring(const Arguments& options) const {
    Arguments arguments = sending();
    append(arguments, options);
    append(arguments, {"--relative", "--exclude-from=-", "--exclude=*"});
    if (options_.checksum) {
        compare_contents(arguments);
    } else if (options_.size_only) {
        arguments.emplace_back("--size-only");
    }
    return arguments;
}

Arguments CommandBuilder::mirror_top(std::string_view source_root) const {
    Arguments arguments = mirroring({"--dirs", temp_argument(), "--exclude=/*/"});
    append(arguments, {with_slash(source_root) + "./", destination("")});
    return arguments;
}

Arguments CommandBuilder::mirror(std::string_view source_root,
                                 std::optional<std::uint64_t> max_remove) const {
    Arguments arguments = mirroring({"--recursive"});
    if (max_remove) {
        constexpr std::uint64_t no_limit = INT32_MAX;  // more than rsync's number can hold
        arguments.emplace_back("--delete-delay");
        if (*max_remove < no_limit) {
            arguments.push_back("--max-delete=" + std::to_string(*max_remove));
        }
    }
    append(arguments, {with_slash(source_root) + "./", destination("")});
    return arguments;
}

Arguments CommandBuilder::mirror_preview(std::string_view source_root) const {
    Arguments arguments = mirror(source_root, UINT64_MAX);
    arguments.insert(arguments.begin() + 1, "--dry-run");
    return arguments;
}

Arguments CommandBuilder::ssh_options() const {
    Arguments arguments{
        "ssh",
        "-T",
        "-x",
        "-a",
        "-oBatchMode=yes",
        "-oLogLevel=INFO",  // its complaints tell what has failed
        "-oClearAllForwardings=yes",
        "-oPermitLocalCommand=no",
        "-oConnectTimeout=" + std::to_string(timeout_seconds_),
        "-oServerAliveInterval=15",
        "-oServerAliveCountMax=3",
        "-oCiphers=^aes128-gcm@openssh.com",
        options_.accept_new_host ? "-oStrictHostKeyChecking=accept-new" : "-oStrictHostKeyChecking=yes",
        "-oControlMaster=no"};
    if (!control_path_.empty()) {
        append(arguments, {"-S", without_tokens(control_path_)});
    }
    if (options_.port) {
        append(arguments, {"-p", std::to_string(*options_.port)});
    }
    if (!options_.username.empty()) {
        append(arguments, {"-l", options_.username});
    }
    if (!options_.ssh_key.empty()) {
        append(arguments, {"-i", without_tokens(options_.ssh_key), "-oIdentitiesOnly=yes"});
    }
    if (!options_.known_hosts.empty()) {
        arguments.push_back("-oUserKnownHostsFile=\"" + without_tokens(options_.known_hosts) + '"');
        arguments.emplace_back("-oGlobalKnownHostsFile=/dev/null");
    }
    return arguments;
}

Arguments CommandBuilder::ssh(const Arguments& command) const {
    Arguments arguments = ssh_options();
    append(arguments, {"--", options_.target_host});
    append(arguments, command);
    return arguments;
}

Arguments CommandBuilder::ssh_master() const {
    Arguments arguments = ssh_options();
    std::replace(arguments.begin(), arguments.end(), std::string("-oControlMaster=no"),
                 std::string("-oControlMaster=yes"));
    append(arguments, {"-oControlPersist=no", "-N", "--", options_.target_host});
    return arguments;
}

std::string CommandBuilder::target_path(std::string_view path) const {
    return with_slash(options_.target_dir) + std::string(path);
}

std::string CommandBuilder::daemon_location(const std::string& directory) const {
    return (options_.username.empty() ? "" : options_.username + '@') + bracketed(options_.target_host) +
           "::" + directory;
}

std::string CommandBuilder::location(std::string_view path) const {
    std::string directory = with_slash(target_path(path));
    switch (options_.transport) {
        case Transport::local:
            return directory;
        case Transport::daemon:
            return daemon_location(directory);
        case Transport::ssh:
            break;
    }
    // Relative to the home directory; a leading dash would look like an option there.
    return bracketed(options_.target_host) + ':' + (directory.starts_with('-') ? "./" : "") + directory;
}

// rsync makes the directory that it is to write into, be it on a mount point whose file system has gone: but
// not where it is named "DIR/.". A daemon drops that dot unless told --relative. (rrsync refuses "DIR/./".)
std::string CommandBuilder::destination(std::string_view path) const {
    return location(path) + '.';
}

}  // namespace mistamover::rsync
