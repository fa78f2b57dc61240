// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>

#include "test_module.hpp"

namespace {
// What a library prints while it is loaded must not be taken for the answer about it.
const int printed = std::puts("{\"refused\": \"printed by the library itself\"}") + std::fflush(stdout);
}  // namespace

MISTAMOVER_PLUGIN(mistamover::test_plugins::IdleModule, "good", "1.2.3", "Does nothing, well",
                  mistamover::test_plugins::idle_options, mistamover::Capability::list)
