// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rsync/rsync_options.hpp"

namespace mistamover::rsync {

using Arguments = std::vector<std::string>;

/// Known to rsync since 3.2.5.
inline constexpr char trust_sender_option[] = "--trust-sender";

/// Tells the server alone that sent files are to be removed, which it never does itself: it then asks for few
/// files ahead of what it has written. Without it, a server's sshd heaps up what rsync has not read yet, and
/// OpenSSH 9.2 spends more than a second on that.
inline constexpr char pacing_option[] = "--remote-option=--remove-source-files";

/// What a receiver says that takes for damaged what CommandBuilder::remove sends it, by a check of 3.4.3 that
/// older ones got as a repair (Debian 12's 3.2.7-1+deb12u6, for instance). It then exits with exit_protocol.
inline constexpr char refusal_of_missing[] = "invalid file mode 00 for ";

/// A command line and what is written to its standard input.
struct CommandWithInput {
    Arguments arguments;
    std::string input;
};

/// Builds the command lines. Pure: starts nothing. No command line holds a secret. No timeout of rsync's own
/// ends one that compares contents: either end is silent for as long as the other reads.
class CommandBuilder {
  public:
    /// `options` must outlive the builder. `password_file` is empty where the daemon asks for no password.
    /// `control_path`: the socket of the ssh connection to share, if any.
    CommandBuilder(const RsyncOptions& options, std::string password_file, std::string control_path,
                   std::int64_t stall_timeout_ms);

    /// Sends the named items below `source_root` to `prefix` of the target, whatever is there already.
    /// `paced`: with pacing_option.
    [[nodiscard]] CommandWithInput put(std::string_view source_root, std::string_view prefix,
                                       std::span<const std::string_view> names, bool paced) const;
    /// Sends nothing; prints how the named items differ in content, or that they do not.
    [[nodiscard]] CommandWithInput compare(std::string_view source_root, std::string_view prefix,
                                           std::span<const std::string_view> names) const;
    /// The others take names as name_list() writes them. Lists the named entries; with a slash behind a name,
    /// what is in it. `trust_sender`: this machine's rsync knows trust_sender_option.
    [[nodiscard]] Arguments list(bool trust_sender) const;
    /// Brings the named files, each of at most `limit` bytes, into a local directory. They are named as
    /// fetch_name() says.
    [[nodiscard]] Arguments fetch(std::uint64_t limit, const std::string& into) const;
    /// Relative to a daemon's module, since a daemon of 3.5 does not find what is named relative to a
    /// directory in it; else to the target directory.
    [[nodiscard]] std::string fetch_name(std::string_view path) const;
    /// Removes the named entries, and prints those that it has removed; they must not be in the local
    /// directory `empty`.
    [[nodiscard]] Arguments remove(const std::string& empty) const;
    /// The same for a server that answers it with refusal_of_missing. `parents`: a local directory that holds
    /// nothing but the directories in which the named entries lie.
    [[nodiscard]] CommandWithInput remove_by_rules(const std::string& parents,
                                                   std::span<const std::string_view> names) const;
    /// Makes one directory; its parent must be there.
    [[nodiscard]] Arguments make_directory(std::string_view path, const std::string& empty) const;
    /// Makes the target equal to `source_root`, and removes up to `max_remove` entries that are not there;
    /// none at all without it. Filter rules are read from standard input.
    [[nodiscard]] Arguments mirror(std::string_view source_root,
                                   std::optional<std::uint64_t> max_remove) const;
    /// The same with no more than what is in `source_root` itself, without directories; removes nothing.
    [[nodiscard]] Arguments mirror_top(std::string_view source_root) const;
    /// Does nothing; prints what a mirror without a limit would do.
    [[nodiscard]] Arguments mirror_preview(std::string_view source_root) const;

    /// ssh with everything but the remote command; `command` is appended as it is.
    [[nodiscard]] Arguments ssh(const Arguments& command) const;
    /// The connection that the others share; it runs no command.
    [[nodiscard]] Arguments ssh_master() const;

    /// `path` below the target directory as the server's file system has it, for ssh and local.
    [[nodiscard]] std::string target_path(std::string_view path) const;

  private:
    [[nodiscard]] Arguments rsync() const { return rsync(options_.extra_args); }
    [[nodiscard]] Arguments rsync(const Arguments& extra_args) const;
    [[nodiscard]] Arguments sending() const;
    [[nodiscard]] CommandWithInput sending(Arguments options, std::string_view source_root,
                                           std::string_view prefix,
                                           std::span<const std::string_view> names) const;
    [[nodiscard]] Arguments ssh_options() const;
    [[nodiscard]] std::string location(std::string_view path) const;
    [[nodiscard]] std::string destination(std::string_view path) const;
    [[nodiscard]] std::string daemon_location(const std::string& directory) const;
    [[nodiscard]] Arguments mirroring(const Arguments& options) const;
    [[nodiscard]] std::string temp_argument() const;
    [[nodiscard]] std::string timeout_argument() const;
    void compare_contents(Arguments& arguments) const;

    const RsyncOptions& options_;
    std::string password_file_;
    std::string control_path_;
    std::int64_t timeout_seconds_;
};

/// How rsync reads a list of names with --from0. Every name gets a "./" in front: rsync takes one that begins
/// with '#' or ';' for a comment.
std::string name_list(std::span<const std::string_view> names);

/// One argument as the value of rsync's --rsh, which splits it by spaces and knows quotes but no escapes.
std::string quoted_for_rsh(std::string_view argument);

}  // namespace mistamover::rsync
