// SPDX-License-Identifier: BSD-3-Clause
// Run by ssh when it wants a secret; prints the first line of the file that holds it. The environment names
// the files, so that no secret is in an environment or a command line, where others could read it.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "sftp/ssh_command.hpp"

int main(int argc, char** argv) {
    const std::string_view prompt = argc > 1 ? argv[1] : "";
    // ssh writes the user's name before what a server wants to have asked, so no server can ask this.
    const bool wants_passphrase = prompt.starts_with("Enter passphrase for");
    const char* const path = std::getenv(wants_passphrase ? mistamover::sftp::passphrase_variable
                                                          : mistamover::sftp::password_variable);
    std::string secret;
    if (path == nullptr || *path == '\0' || !std::getline(std::ifstream(path), secret)) {
        std::cerr << "no secret is configured for: " << prompt << '\n';
        return 1;
    }
    std::cout << secret << '\n' << std::flush;
    return std::cout.good() ? 0 : 1;
}
