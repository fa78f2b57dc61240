// SPDX-License-Identifier: BSD-3-Clause
#include "stream/target_cleaning.hpp"

#include <doctest/doctest.h>

#include "scratch.hpp"

namespace mistamover::stream {
namespace {

const Status cleaning_lost{StatusCode::connection_lost, StatusScope::session, "lost"};

BatchResult cleaned(bool kept_leftovers, const Status& session = {}) {
    BatchResult result;
    result.kept_leftovers = kept_leftovers;
    result.session = session;
    return result;
}

/// A stream that has begun to send, after it has cleaned up.
struct SendingCleaning {
    test::Scratch work;
    TargetCleaning cleaning{work.path()};

    SendingCleaning() {
        CHECK(cleaning.begin() == Cleaning::all);
        cleaning.ended(cleaned(false));
        cleaning.will_send();
    }
    /// Of the process that comes next.
    [[nodiscard]] bool is_marked() const { return TargetCleaning(work.path()).something_may_lie_there(); }
};

}  // namespace

TEST_CASE("all is removed before the first unit is sent, and a failure leaves that to be done") {
    const test::Scratch work;
    TargetCleaning cleaning(work.path());
    CHECK_FALSE(cleaning.is_clean());
    CHECK_FALSE(cleaning.something_may_lie_there());
    CHECK(cleaning.begin() == Cleaning::all);
    CHECK(cleaning.is_under_way());
    cleaning.ended(cleaned(false, cleaning_lost));
    CHECK_FALSE(cleaning.is_under_way());
    CHECK_FALSE(cleaning.is_clean());
    cleaning.session_failed();
    CHECK(cleaning.begin() == Cleaning::all);
    cleaning.ended(cleaned(false));
    CHECK(cleaning.is_clean());
}

TEST_CASE("what a crash may have left is known to the next process, until it was removed") {
    const SendingCleaning before;
    CHECK(before.cleaning.is_clean());
    CHECK(before.is_marked());
    TargetCleaning cleaning(before.work.path());
    CHECK_FALSE(cleaning.is_clean());
    CHECK(cleaning.begin() == Cleaning::all);
    cleaning.ended(cleaned(false, cleaning_lost));
    CHECK(before.is_marked());
    CHECK(cleaning.begin() == Cleaning::all);
    cleaning.ended(cleaned(false));
    CHECK_FALSE(before.is_marked());
}

TEST_CASE("what a put may go on with is kept after a failure until there is nothing left to send") {
    SendingCleaning sending;
    TargetCleaning& cleaning = sending.cleaning;
    cleaning.nothing_left_to_send();
    CHECK(cleaning.is_clean());
    cleaning.session_failed();
    CHECK_FALSE(cleaning.is_clean());
    CHECK(cleaning.begin() == Cleaning::but_resumable);
    cleaning.ended(cleaned(true));
    CHECK(cleaning.is_clean());
    CHECK(sending.is_marked());
    cleaning.nothing_left_to_send();
    CHECK(cleaning.begin() == Cleaning::all);
    cleaning.ended(cleaned(false));
    cleaning.nothing_left_to_send();
    CHECK(cleaning.is_clean());
    CHECK_FALSE(sending.is_marked());
}

TEST_CASE("the mark goes at the end where every session has left the target clean, and only there") {
    for (const bool clean : {true, false}) {
        SendingCleaning sending;
        for (const bool other : {true, clean, true}) {
            sending.cleaning.session_closed(other);
        }
        sending.cleaning.over();
        CHECK(sending.is_marked() == !clean);
    }
    SendingCleaning failed;
    failed.cleaning.session_failed();
    failed.cleaning.session_closed(true);
    failed.cleaning.over();
    CHECK(failed.is_marked());
}

}  // namespace mistamover::stream
