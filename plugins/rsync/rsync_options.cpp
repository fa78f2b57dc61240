// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/rsync_options.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <mistamover/transfer_module.hpp>

namespace mistamover::rsync {
namespace {

constexpr std::string_view harmless_letters = "46AHJSUWXgoz";
constexpr std::array<std::string_view, 19> harmless_flags{"acls",
                                                          "fake-super",
                                                          "fsync",
                                                          "group",
                                                          "no-group",
                                                          "no-owner",
                                                          "no-perms",
                                                          "no-s",
                                                          "no-secluded-args",
                                                          "no-whole-file",
                                                          "numeric-ids",
                                                          "old-args",
                                                          "omit-link-times",
                                                          "open-noatime",
                                                          "owner",
                                                          "preallocate",
                                                          "sparse",
                                                          "whole-file",
                                                          "xattrs"};
// Without its value, such a name takes the next argument for it, which may be one that the module relies on.
constexpr std::array<std::string_view, 15> harmless_with_value{
    "address",         "block-size",     "cc",         "checksum-choice", "chmod",         "chown",
    "compress-choice", "compress-level", "contimeout", "groupmap",        "modify-window", "protocol",
    "rsync-path",      "skip-compress",  "usermap"};

constexpr std::string_view connecting_letters = "46";
constexpr std::array<std::string_view, 9> connecting_names{
    "address",  "cc",       "checksum-choice",  "contimeout", "no-s",
    "old-args", "protocol", "no-secluded-args", "rsync-path"};

// Of one that begins with "--".
std::string long_name_of(const std::string& argument) {
    return argument.substr(2, argument.find('=') - 2);
}

template <typename Names>
bool is_among(const Names& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

// Of skip-compress no value is one too: nothing is skipped.
bool is_harmless_long_argument(const std::string& argument) {
    const std::string name = long_name_of(argument);
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) {
        return is_among(harmless_flags, name);
    }
    return is_among(harmless_with_value, name) && (equals + 1 < argument.size() || name == "skip-compress");
}

[[noreturn]] void refuse(const std::string& reason) {
    throw StatusError({StatusCode::configuration, StatusScope::stream, reason});
}

Transport transport_of(const std::string& name) {
    if (name == "daemon") {
        return Transport::daemon;
    }
    return name == "local" ? Transport::local : Transport::ssh;
}

// A server expands the names that it is called with, as a shell does, and a backslash escapes.
void check_is_taken_literally(const std::string& directory) {
    if (directory.find_first_of("*?[\\") != std::string::npos) {
        refuse(
            "outgoing.target_dir must have no *, ?, [ or \\ in it with rsync.transport ssh or daemon, not "
            "\"" +
            directory + "\": the server would take it for a pattern, and write to whatever matches");
    }
}

void check_target(const RsyncOptions& options) {
    const std::string& host = options.target_host;
    const std::string& directory = options.target_dir;
    if (options.transport == Transport::local) {
        if (!directory.starts_with('/')) {
            refuse("outgoing.target_dir must be an absolute path with rsync.transport local, not \"" +
                   directory + "\"");
        }
        return;
    }
    if (host.empty() || host.starts_with('-') || host.find_first_of("/@ \t\n") != std::string::npos) {
        refuse("outgoing.target_host must be a host's name or address with the module rsync, not \"" + host +
               "\"");
    }
    check_is_taken_literally(directory);
    if (options.transport == Transport::daemon &&
        (directory.starts_with('/') || directory.starts_with('-') || directory.empty())) {
        refuse("outgoing.target_dir must be MODULE/path with rsync.transport daemon, not \"" + directory +
               "\"");
    }
}

void check_credentials(const RsyncOptions& options) {
    const bool has_password = !options.password.empty() || !options.password_file.empty();
    if (has_password && options.transport != Transport::daemon) {
        refuse("rsync.password and rsync.password_file are for rsync.transport daemon: ssh uses a key");
    }
    if (!options.password.empty() && !options.password_file.empty()) {
        refuse("rsync.password and rsync.password_file cannot both be set");
    }
    if (has_password && options.username.empty()) {
        refuse("rsync.password needs rsync.username");
    }
    if (options.password.find('\n') != std::string::npos) {
        refuse("rsync.password must be one line");
    }
    if (options.username.starts_with('-') || options.username.find_first_of("@:/ \n") != std::string::npos) {
        refuse("rsync.username is not a user's name");
    }
    if (options.port && (*options.port < 1 || *options.port > 65535)) {
        refuse("rsync.port must lie between 1 and 65535");
    }
}

}  // namespace

bool is_harmless_argument(const std::string& argument) {
    if (argument.starts_with("--")) {
        return is_harmless_long_argument(argument);
    }
    return argument.size() > 1 && argument.front() == '-' &&
           argument.find_first_not_of(harmless_letters, 1) == std::string::npos;
}

std::vector<std::string> connecting_arguments(const std::vector<std::string>& harmless) {
    std::vector<std::string> connecting;
    for (const std::string& argument : harmless) {
        if (argument.starts_with("--")) {
            if (is_among(connecting_names, long_name_of(argument))) {
                connecting.push_back(argument);
            }
            continue;
        }
        std::string letters = "-";
        std::copy_if(argument.begin(), argument.end(), std::back_inserter(letters),
                     [](char c) { return connecting_letters.find(c) != std::string_view::npos; });
        if (letters.size() > 1) {
            connecting.push_back(letters);
        }
    }
    return connecting;
}

RsyncOptions::RsyncOptions(const ModuleSettings& settings)
    : target_host(settings.target_host),
      target_dir(settings.target_dir),
      temp_dir(settings.temp_dir),
      work_dir(settings.work_dir) {
    const Options options(settings.options);
    transport = transport_of(options.text("transport"));
    port = options.optional_integer("port");
    username = options.optional_text("username").value_or("");
    password = options.optional_text("password").value_or("");
    password_file = options.optional_text("password_file").value_or("");
    ssh_key = options.optional_text("ssh_key").value_or("");
    known_hosts = options.optional_text("known_hosts").value_or("");
    accept_new_host = options.text("host_key") == "accept-new";
    cmd = options.text("cmd");
    checksum = options.flag("checksum");
    size_only = options.flag("size_only");
    compress = options.flag("compress");
    extra_args = options.list("extra_args");
    if (settings.bandwidth_limit != 0) {
        session_bandwidth =
            std::max<std::uint64_t>(settings.bandwidth_limit / std::max(settings.parallel_sessions, 1U), 1);
    }
    check_target(*this);
    check_credentials(*this);
    if (size_only && settings.mode != TransferMode::mirror) {
        refuse(
            "rsync.size_only needs outgoing.transfer_mode mirror: a move must not take a file for delivered "
            "because another of its size is there");
    }
    for (const std::string& argument : extra_args) {
        if (!is_harmless_argument(argument)) {
            refuse(
                "rsync.extra_args: \"" + argument +
                "\" is not among the arguments that can be added (see the README of the module); a value is "
                "written behind the name, as in --chmod=F644");
        }
    }
}

}  // namespace mistamover::rsync
