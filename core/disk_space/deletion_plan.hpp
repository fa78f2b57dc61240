// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "disk_space/space_policy.hpp"
#include "process/disk_space_messages.hpp"

namespace mistamover::disk_space {

/// In the order in which a stream's directories give way; the last two are one pool.
enum class UnitPlace : std::uint8_t { arrivals, data, quarantine };

/// What becomes free where something is deleted.
struct Gain {
    std::uint64_t bytes = 0;
    std::uint64_t inodes = 0;
};

/// A transfer unit that may be deleted.
struct Unit {
    UnitPlace place = UnitPlace::data;
    std::string name;
    std::uint64_t inode = 0;
    std::int64_t ctime_ns = 0;
    bool directory = false;
    Gain gain;  ///< Of a directory: not known before it is looked through.
};

struct PlannedUnit {
    std::size_t stream = 0;  ///< Its place in the list of streams.
    Unit unit;
};

/// Whether `a` goes before `b`, in one stream.
bool goes_first(const Unit& a, const Unit& b);

/// The streams of which anything may be deleted, the first to give way first: by priority, then by name.
std::vector<std::size_t> deletion_order(const std::vector<process::MonitorStream>& streams,
                                        std::int64_t base_priority);

/// How many effective_free bytes a gain is worth.
std::uint64_t worth(const Gain& gain, const Space& space);

/// What a plan is made from.
class UnitSource {
  public:
    /// The units of a stream, in any order; they last until the next call.
    virtual std::vector<const Unit*> units(std::size_t stream) = 0;
    /// What a directory would free; nothing where it may not be deleted.
    virtual std::optional<Gain> gain_of_directory(std::size_t stream, const Unit& unit) = 0;

  protected:
    ~UnitSource() = default;
};

/// The next units to delete, in order: at most `most`, and no more than are needed to free `needed` bytes of
/// effective_free. What would free nothing is left where it is, and so is what `passed_over` tells.
std::vector<PlannedUnit> plan_deletions(
    const std::vector<std::size_t>& order, UnitSource& source, const Space& space, std::uint64_t needed,
    std::size_t most, const std::function<bool(std::size_t stream, const Unit& unit)>& passed_over);

}  // namespace mistamover::disk_space
