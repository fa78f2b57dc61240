// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <mistamover/border.hpp>

namespace mistamover::sftp {

inline constexpr std::array option_specs{
    OptionSpec{"port", OptionType::integer, nullptr, "TCP port of the server (default: as ssh has it, 22)"},
    OptionSpec{"username", OptionType::string, nullptr, "Login name (default: as ssh has it)"},
    OptionSpec{"ssh_key", OptionType::path, nullptr, "Private key (default: as ssh finds one)"},
    OptionSpec{"passphrase_file", OptionType::path, nullptr, "File that holds the passphrase of ssh_key"},
    OptionSpec{"agent", OptionType::boolean, "true", "Use the keys of a running ssh-agent"},
    OptionSpec{"password", OptionType::string, nullptr, "Login password", nullptr, false, true},
    OptionSpec{"password_file", OptionType::path, nullptr, "File that holds the login password"},
    OptionSpec{"known_hosts", OptionType::path, nullptr,
               "Known hosts (default: the user's and the system's)"},
    OptionSpec{"host_key", OptionType::enumeration, "strict",
               "Whether an unknown host's key is refused, or noted and from then on required",
               "strict|accept-new"},
    OptionSpec{"ssh_config", OptionType::path, nullptr,
               "Configuration of ssh (default: the user's and the system's)"},
    OptionSpec{"ciphers", OptionType::string, nullptr,
               "Ciphers in the words of ssh (default: ssh's own, aes-gcm first)"},
    OptionSpec{"compress", OptionType::boolean, "false", "Compress what is sent"},
    OptionSpec{"connect_timeout", OptionType::duration, "30s",
               "How long the host may take to accept a connection"},
    OptionSpec{"fsync", OptionType::boolean, "false",
               "Have the server bring every file to the disk before it counts as delivered"},
};

/// What the module needs of the stream's settings and of its own section.
struct SftpOptions {
    /// Throws StatusError (`configuration`, stream scope) where they do not fit together.
    explicit SftpOptions(const ModuleSettings& settings);

    [[nodiscard]] bool has_password() const { return !password.empty() || !password_file.empty(); }

    std::string target_host;
    std::string target_dir;  ///< Without a '/' at its end, but for the root.
    std::string temp_dir;
    std::string work_dir;
    bool limited_bandwidth = false;
    bool mirror = false;
    std::optional<std::int64_t> port;
    std::string username;
    std::string ssh_key;
    std::string passphrase_file;
    bool agent = true;
    std::string password;
    std::string password_file;
    std::string known_hosts;
    bool accept_new_host = false;
    std::string ssh_config;
    std::string ciphers;
    bool compress = false;
    std::int64_t connect_timeout_s = 0;
    bool fsync = false;
    /// The program that hands secrets to ssh; set by the module.
    std::string askpass;
};

}  // namespace mistamover::sftp
