// SPDX-License-Identifier: BSD-3-Clause
// A good plugin but for what its static constructor does, chosen by a macro: CONSTRUCTOR_CRASHES, _EXITS,
// _HANGS or _THROWS.
#include <csignal>
#include <stdexcept>
#include <unistd.h>

#include "test_module.hpp"

namespace {

struct BadConstructor {
    BadConstructor() {
#if defined(CONSTRUCTOR_CRASHES)
        volatile int* volatile nowhere = nullptr;
        *nowhere = 1;
#elif defined(CONSTRUCTOR_EXITS)
        ::_exit(0);
#elif defined(CONSTRUCTOR_HANGS)
        for (;;) {
            ::pause();
        }
#elif defined(CONSTRUCTOR_THROWS)
        throw std::runtime_error("no licence found");
#endif
    }
};

const BadConstructor bad_constructor;

}  // namespace

MISTAMOVER_PLUGIN(mistamover::test_plugins::IdleModule, CONSTRUCTOR_NAME, "1", "Is bad in its constructor",
                  mistamover::test_plugins::idle_options, mistamover::Capabilities{})
