// SPDX-License-Identifier: BSD-3-Clause
#include "files/handshake_name.hpp"

#include <doctest/doctest.h>

namespace mistamover::test {

TEST_CASE("a file of the handshake is called by its data file, with a hash where that is too long") {
    const std::string ending = ".stager-ctrl-bss";
    CHECK(files::handshake_name("ok.dat", ending) == ".ok.dat" + ending);
    const std::string longest_whole(238, 'a');
    CHECK(files::handshake_name(longest_whole, ending) == '.' + longest_whole + ending);
    // Journals of earlier versions are found by it.
    CHECK(files::handshake_name(std::string(250, 'a'), ending) ==
          '.' + std::string(221, 'a') + "~924785600b73a84f" + ending);
}

}  // namespace mistamover::test
