// SPDX-License-Identifier: BSD-3-Clause
#include <string_view>
#include <unistd.h>

#include "plugin_host/schema_query.hpp"

int main(int argc, char** argv) {
    if (argc != 3 || std::string_view(argv[1]) != mistamover::plugin_host::plugin_info_verb) {
        return 2;
    }
    return mistamover::plugin_host::print_plugin_info(argv[2], STDOUT_FILENO);
}
