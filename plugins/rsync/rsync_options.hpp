// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <mistamover/border.hpp>

namespace mistamover::rsync {

inline constexpr std::array option_specs{
    OptionSpec{"transport", OptionType::enumeration, "ssh",
               "How the target is reached: a login by ssh, an rsync daemon, or a directory of this machine",
               "ssh|daemon|local"},
    OptionSpec{"port", OptionType::integer, nullptr, "TCP port of the server (default: 22 or 873)"},
    OptionSpec{"username", OptionType::string, nullptr, "Login name, or the daemon's user"},
    OptionSpec{"password", OptionType::string, nullptr, "The daemon's password", nullptr, false, true},
    OptionSpec{"password_file", OptionType::path, nullptr, "File that holds the daemon's password"},
    OptionSpec{"ssh_key", OptionType::path, nullptr,
               "Private key, without passphrase (default: as ssh finds one)"},
    OptionSpec{"known_hosts", OptionType::path, nullptr,
               "Known hosts (default: the user's and the system's)"},
    OptionSpec{"host_key", OptionType::enumeration, "strict",
               "Whether an unknown host's key is refused, or noted and from then on required",
               "strict|accept-new"},
    OptionSpec{"cmd", OptionType::string, "rsync", "The rsync program on this machine"},
    OptionSpec{"checksum", OptionType::boolean, "false",
               "Compare files that are there already by checksum, and do not send equal ones again"},
    OptionSpec{"size_only", OptionType::boolean, "false", "In a mirror, take files of equal size for equal"},
    OptionSpec{"compress", OptionType::boolean, "false", "Compress what is sent"},
    OptionSpec{"extra_args", OptionType::list, nullptr, "Further arguments for rsync; see the README"},
};

enum class Transport : std::uint8_t { ssh, daemon, local };

/// What the module needs of the stream's settings and of its own section.
struct RsyncOptions {
    /// Throws StatusError (`configuration`, stream scope) where they do not fit together.
    explicit RsyncOptions(const ModuleSettings& settings);

    std::string target_host;
    std::string target_dir;
    std::string temp_dir;
    std::string work_dir;
    Transport transport = Transport::ssh;
    std::optional<std::int64_t> port;
    std::string username;
    std::string password;  ///< Secret.
    std::string password_file;
    std::string ssh_key;
    std::string known_hosts;
    bool accept_new_host = false;
    std::string cmd;
    bool checksum = false;
    bool size_only = false;
    bool compress = false;
    std::vector<std::string> extra_args;
    std::uint64_t session_bandwidth = 0;  ///< Bytes a second for one session; 0: no limit.
};

/// Whether an argument can be handed to rsync without making it skip, alter or report files otherwise than
/// the module expects.
bool is_harmless_argument(const std::string& argument);

/// Those of harmless arguments without which the server might not be reached, or not understood. None of them
/// has rsync change owner, rights or times of anything.
std::vector<std::string> connecting_arguments(const std::vector<std::string>& harmless);

}  // namespace mistamover::rsync
