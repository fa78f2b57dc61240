// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_result.hpp"

namespace mistamover::stream {

namespace {

std::string where_it_is(const SourceDirectory::Recovered& left) {
    return left.error.empty() ? "is in the quarantine as " + left.quarantined_as
                              : "stays set aside until the next start: " + left.error;
}

}  // namespace

void note_removal(UnitResult& unit, const SourceDirectory::Removed& removed) {
    unit.stays_aside = !removed.left.error.empty();
    switch (removed.how) {
        case SourceDirectory::Removal::removed:
            unit.outcome = Outcome::delivered;
            return;
        case SourceDirectory::Removal::changed:
            unit.outcome = Outcome::changed;
            return;
        case SourceDirectory::Removal::displaced:
            unit.outcome = Outcome::displaced;
            unit.status = {StatusCode::source_changed, StatusScope::item,
                           "it changed while it was being sent, and could not keep its name: it " +
                               where_it_is(removed.left)};
            return;
        case SourceDirectory::Removal::in_part:
            unit.outcome = Outcome::left_over;
            unit.status = {StatusCode::local_io, StatusScope::item,
                           "it was delivered, but could not be deleted whole: what is left of it " +
                               where_it_is(removed.left)};
            return;
    }
}

}  // namespace mistamover::stream
