// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>

#include <mistamover/border.hpp>

namespace mistamover::ftp {

inline constexpr std::array option_specs{
    OptionSpec{"port", OptionType::integer, nullptr,
               "TCP port of the server (default: 21; 990 with tls implicit)"},
    OptionSpec{"username", OptionType::string, "anonymous", "Login name"},
    OptionSpec{"password", OptionType::string, nullptr, "Password of the login", nullptr, false, true},
    OptionSpec{"password_file", OptionType::path, nullptr, "File that holds the password in its first line"},
    OptionSpec{"tls", OptionType::enumeration, "none",
               "Encryption: none, asked for after connecting (explicit), or from the first byte (implicit)",
               "none|explicit|implicit"},
    OptionSpec{"ca_file", OptionType::path, nullptr,
               "Certificates of the authorities that may vouch for the server (default: the system's)"},
    OptionSpec{"verify_peer", OptionType::boolean, "true",
               "Whether the server's certificate must be valid and name target_host"},
    OptionSpec{"client_cert", OptionType::path, nullptr, "Certificate to show to the server, in PEM form"},
    OptionSpec{"client_key", OptionType::path, nullptr,
               "Private key of client_cert, without passphrase (default: in the same file)"},
    OptionSpec{"passive", OptionType::boolean, "true",
               "Whether data connections are made to the server, or by it (active mode)"},
    OptionSpec{"connect_timeout", OptionType::duration, "30s", "So long may a connection take to be made"},
    OptionSpec{"timeout", OptionType::duration, "60s", "So long may the server be silent, or take no data"},
    OptionSpec{"keep_alive", OptionType::boolean, "true",
               "Keep the control connection alive through firewalls during long transfers"},
};

enum class Tls : std::uint8_t { none, on_request, from_start };

/// What the module needs of the stream's settings and of its own section.
struct FtpOptions {
    /// Throws StatusError (`configuration`, stream scope) where they do not fit together.
    explicit FtpOptions(const ModuleSettings& settings);

    std::string host;
    std::string target_dir;
    std::string temp_dir;
    std::uint16_t port = 0;
    std::string username;
    std::string password;  ///< Secret; empty where it is in password_file.
    std::string password_file;
    Tls tls = Tls::none;
    std::string ca_file;
    bool verify_peer = true;
    std::string client_cert;
    std::string client_key;
    bool passive = true;
    std::chrono::milliseconds connect_timeout{};
    std::chrono::milliseconds timeout{};
    bool keep_alive = true;
    bool limited_bandwidth = false;
    bool mirrors = false;
    Publish publish = Publish::rename;
};

/// The password as it is now: a changed file counts at the next login. Throws StatusError (`configuration`,
/// stream scope) where the file cannot be read.
std::string password_of(const FtpOptions& options);

}  // namespace mistamover::ftp
