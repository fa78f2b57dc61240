// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include <mistamover/ls_letters.hpp>

namespace mistamover::test {

TEST_CASE("the first letter tells what an entry is") {
    CHECK(kind_of_letter('-') == EntryKind::file);
    CHECK(kind_of_letter('d') == EntryKind::directory);
    CHECK(kind_of_letter('l') == EntryKind::symlink);
    CHECK(kind_of_letter('p') == EntryKind::other);
    CHECK_FALSE(kind_of_letter('?').has_value());
}

TEST_CASE("the other nine tell its mode, special bits included") {
    CHECK(mode_of_letters("rwxr-x---") == 0750);
    CHECK(mode_of_letters("rwsr-Srwt") == 07747);
    CHECK(mode_of_letters("--------T") == 01000);
    CHECK(mode_of_letters("rw") == 0600);
    CHECK(mode_of_letters("rw-r--r--+") == 0644);
}

}  // namespace mistamover::test
