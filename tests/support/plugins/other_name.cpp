// SPDX-License-Identifier: BSD-3-Clause
#include "test_module.hpp"

MISTAMOVER_PLUGIN(mistamover::test_plugins::IdleModule, "someone_else", "1", "Its file has another name",
                  mistamover::test_plugins::idle_options, mistamover::Capabilities{})
