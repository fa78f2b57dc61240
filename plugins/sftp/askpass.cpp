// SPDX-License-Identifier: BSD-3-Clause
// Run by ssh when it wants a secret; prints the first line of the file that holds it. The environment names
// the files, so that no secret is in an environment or a command line, where others could read it.
//
// That environment reaches every program that ssh starts: the ssh that leads to a jump host would have its
// questions answered too, and give the jump host the target's password. So only the ssh is answered that the
// module itself has started.
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "sftp/ssh_command.hpp"

namespace {

pid_t number_in(std::string_view text) {
    pid_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    return end.ec == std::errc() ? number : 0;
}

// 0 where it cannot be told.
pid_t parent_of(pid_t process) {
    std::string text;
    std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), text, '\0');
    // "12 (name) S 11 ...", and the name may have anything in it.
    constexpr std::string_view state = ") S ";
    const std::size_t end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos || text.size() < end_of_name + state.size()) {
        return 0;
    }
    return number_in(std::string_view(text).substr(end_of_name + state.size()));
}

bool asked_by_own_ssh() {
    const char* const starter = std::getenv(mistamover::sftp::starter_variable);
    const pid_t expected = starter == nullptr ? 0 : number_in(starter);
    return expected > 0 && parent_of(::getppid()) == expected;
}

// Whether a key is to be trusted, say: nothing that a secret would answer.
bool wants_a_decision(std::string_view prompt) {
    return prompt.find("(yes/no") != std::string_view::npos;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view prompt = argc > 1 ? argv[1] : "";
    if (wants_a_decision(prompt) || !asked_by_own_ssh()) {
        std::cerr << "not answered, since it is not the target host's question: " << prompt << '\n';
        return 1;
    }
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
