// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/workers.hpp"

namespace mistamover::arrivals {

struct MoveRequest {
    ArrivalJournal::Number job = 0;
    std::string name;      ///< In the stream's directory.
    bool has_data = true;  ///< False where what is there already may not be on the disk yet.
    /// What is there then, where the journal has the same content, already on the disk.
    std::optional<FileIdentity> first = std::nullopt;
    int first_error = 0;  ///< As an earlier result told of it.

    [[nodiscard]] static std::uint64_t weight() noexcept { return 1; }
};

struct MoveResult {
    ArrivalJournal::Number job = 0;
    bool renamed = false;  ///< The journal has it no more.
    int first_error = 0;   ///< errno of what keeps `first`, which was to be replaced, from being on the disk.
    int disk_error = 0;    ///< errno of what keeps content or name from being on the disk; 0: none.
    int move_error = 0;    ///< errno of the renaming; EEXIST: the name is taken; ESTALE: the path
                           ///< leads to another directory by now; 0: it was done.
};

/// Gives the journal's data files their names in the stream's directory, so that a power failure takes none
/// of them away again: first the content is written to the disk, and the journal's receipt, which must not be
/// half there once the sender has seen it; then the file is renamed, then the directory is written. Where
/// `first` cannot be written, the journal's takes its place: the kernel tells of a lost write only once, so
/// that the next who asked would take it for whole. What gathers meanwhile is the next batch, written at
/// once, so that many small files cost little more than one.
class DurableMover : public Workers<MoveRequest, MoveResult> {
  public:
    /// With `to_disk` false nothing is written before its time, and a power failure can take the newest
    /// files. `journal` and `data` must outlive it.
    DurableMover(const ArrivalJournal& journal, const Directory& data, bool to_disk,
                 std::function<void()> on_result);
};

}  // namespace mistamover::arrivals
