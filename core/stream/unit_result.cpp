// SPDX-License-Identifier: BSD-3-Clause
#include "stream/unit_result.hpp"

namespace mistamover::stream {

void note_removal(UnitResult& unit, SourceDirectory::Removal removal) {
    switch (removal) {
        case SourceDirectory::Removal::removed:
            unit.outcome = Outcome::delivered;
            return;
        case SourceDirectory::Removal::changed:
            unit.outcome = Outcome::changed;
            return;
        case SourceDirectory::Removal::in_part:
            unit.outcome = Outcome::left_over;
            unit.status = {StatusCode::local_io, StatusScope::item,
                           "it was delivered, but could not be deleted whole: what is left of it went to the "
                           "quarantine"};
            return;
    }
}

}  // namespace mistamover::stream
