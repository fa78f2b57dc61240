// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <mistamover/status.hpp>

namespace mistamover::sftp {

/// The numbers in SSH_FXP_STATUS that are asked about; server_failure knows the others too.
namespace reply_code {
inline constexpr std::uint32_t ok = 0;
inline constexpr std::uint32_t end_of_file = 1;
inline constexpr std::uint32_t no_such_file = 2;
inline constexpr std::uint32_t permission_denied = 3;
inline constexpr std::uint32_t failure = 4;
inline constexpr std::uint32_t unsupported = 8;
}  // namespace reply_code

/// The Status of a request that the server answered with `code` and `message` while `doing` ("publish x").
/// What would fail for every other file too is of session scope. The general failure, which tells nothing,
/// becomes `unspecific`.
Status server_failure(std::uint32_t code, std::string_view message, std::string_view doing,
                      StatusCode unspecific = StatusCode::permission);

/// Why ssh ended: what it `printed` on its error output, and its exit code. `connected`: SFTP had been spoken
/// before.
Status ssh_failure(std::string_view printed, int exit_code, bool connected);

}  // namespace mistamover::sftp
