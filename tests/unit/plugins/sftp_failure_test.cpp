// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "sftp/failure.hpp"

namespace mistamover::sftp {

TEST_CASE("what ssh prints tells one failure from another") {
    const Status changed = ssh_failure(
        "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n", 255, false);
    CHECK(changed.code() == StatusCode::host_key);
    CHECK(changed.scope() == StatusScope::stream);
    const Status refused = ssh_failure("u@h: Permission denied (publickey).\n", 255, false);
    CHECK(refused.code() == StatusCode::authentication);
    CHECK(refused.scope() == StatusScope::stream);
    const Status filtered = ssh_failure("ssh: connect to host h port 22: Connection timed out\n", 255, false);
    CHECK(filtered.code() == StatusCode::timed_out);
    CHECK(filtered.scope() == StatusScope::session);
    CHECK(ssh_failure("connect to host h port 22: Connection refused\n", 255, false).code() ==
          StatusCode::unreachable);
    const Status lost = ssh_failure("Connection reset by peer\n", 255, true);
    CHECK(lost.code() == StatusCode::connection_lost);
    CHECK_FALSE(lost.outcome_known());
}

TEST_CASE("a server's code is an item's failure, unless every other item would fail too") {
    CHECK(server_failure(2, "", "look").code() == StatusCode::not_found);
    CHECK(server_failure(3, "", "look").scope() == StatusScope::item);
    CHECK(server_failure(14, "", "write").scope() == StatusScope::session);
    const Status full = server_failure(4, "Failure", "write", StatusCode::no_space);
    CHECK(full.code() == StatusCode::no_space);
    CHECK(full.scope() == StatusScope::session);
}

}  // namespace mistamover::sftp
