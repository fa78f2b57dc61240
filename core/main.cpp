// SPDX-License-Identifier: BSD-3-Clause
#include <cerrno>
#include <csignal>
#include <fcntl.h>

#include "cli/command_line.hpp"
#include "process/core_dumps.hpp"

namespace {

// Where one is closed, whatever is opened next would get its number, and with it what is printed.
void open_missing_standard_streams() {
    for (const int stream : {0, 1, 2}) {
        if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF) {
            (void)!::open("/dev/null", O_RDWR);  // NOLINT(android-cloexec-open): children have them, too
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    open_missing_standard_streams();
    mistamover::process::leave_no_core();  // nearly every verb reads the settings, with the passwords
    // A parent may have had it ignored, and then no child that ends could be asked how.
    (void)std::signal(SIGCHLD, SIG_DFL);
    return mistamover::cli::run_command_line(
        std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
