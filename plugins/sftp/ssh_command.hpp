// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "sftp/sftp_options.hpp"

namespace mistamover::sftp {

/// The names by which the askpass program finds in the environment its files, and the id of the process whose
/// child the ssh is that it answers.
inline constexpr char password_variable[] = "MISTAMOVER_SFTP_PASSWORD_FILE";
inline constexpr char passphrase_variable[] = "MISTAMOVER_SFTP_PASSPHRASE_FILE";
inline constexpr char starter_variable[] = "MISTAMOVER_SFTP_STARTER";

/// The ssh that carries SFTP to the target host. It asks nobody anything: what it must be told (a password, a
/// passphrase) it gets from the askpass program.
std::vector<std::string> ssh_arguments(const SftpOptions& options);

/// What an ssh that this process starts needs in its environment; names files, never a secret.
/// `password_file`: the one with the login password, empty where there is none.
std::vector<std::string> ssh_environment(const SftpOptions& options, const std::string& password_file);

}  // namespace mistamover::sftp
