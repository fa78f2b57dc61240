// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
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

/// Whether there is time to go on; what asks goes on at least once.
using TimeLeft = std::function<bool()>;

/// What a plan is made from.
class UnitSource {
  public:
    /// The units of a stream, in any order; they last until the next call. Nothing where the time is over
    /// before all are known: to be asked again, for it goes on from there.
    virtual std::optional<std::vector<const Unit*>> units(std::size_t stream, const TimeLeft& time_left) = 0;
    /// What a directory, of those units, would free: no byte and no inode where it may not be deleted.
    /// Nothing where the time is over before it is known: to be asked again, for it goes on from there.
    virtual std::optional<Gain> gain_of_directory(std::size_t stream, const Unit& unit,
                                                  const TimeLeft& time_left) = 0;

  protected:
    ~UnitSource() = default;
};

/// The units of one stream in their order, of which no more is worked out than is asked for: of many units
/// few are ever looked at.
class UnitsInOrder {
  public:
    /// Leaves out what certainly frees nothing. The units must outlive the object.
    UnitsInOrder(const std::vector<const Unit*>& units, const Space& space);
    /// The first one that is left; null: none is.
    const Unit* first();
    void drop_first() { ++next_; }

  private:
    // With what mostly decides beside the unit.
    struct Entry {
        bool arrival = false;
        std::int64_t ctime_ns = 0;
        const Unit* unit = nullptr;

        bool operator<(const Entry& other) const;
    };

    std::vector<Entry> entries_;
    std::size_t next_ = 0;
    std::size_t sorted_ = 0;
};

/// Plans, step by step, what to delete next, in order. What would free nothing is left where it is.
class DeletionPlanner {
  public:
    struct Wanted {
        std::uint64_t needed = 0;  ///< Bytes of effective_free: no more units than free so many,
        std::size_t most = 0;      ///< and no more than so many units.
    };
    /// Units to be left where they are.
    using PassedOver = std::function<bool(std::size_t stream, const Unit& unit)>;

    /// `order` and `source` must outlive it.
    DeletionPlanner(const std::vector<std::size_t>& order, UnitSource& source, const Space& space,
                    Wanted wanted, PassedOver passed_over);

    /// True once the plan is whole.
    bool go_on(const TimeLeft& time_left);
    [[nodiscard]] std::vector<PlannedUnit> take_plan() { return std::move(plan_); }

  private:
    [[nodiscard]] bool is_enough() const { return freed_ >= wanted_.needed || plan_.size() >= wanted_.most; }
    [[nodiscard]] bool consider(std::size_t stream, Unit unit, const TimeLeft& time_left);

    const std::vector<std::size_t>& order_;
    UnitSource& source_;
    Space space_;
    Wanted wanted_;
    PassedOver passed_over_;
    std::size_t at_ = 0;                 ///< In `order`.
    std::optional<UnitsInOrder> units_;  ///< Of the stream there; none: not known yet.
    std::uint64_t freed_ = 0;
    std::vector<PlannedUnit> plan_;
};

}  // namespace mistamover::disk_space
