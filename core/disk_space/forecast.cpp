// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/forecast.hpp"

namespace mistamover::disk_space {
namespace {

using namespace std::chrono_literals;

constexpr auto span = 10min;
constexpr auto shortest_between = 1s;  // more would only cost memory
constexpr double a_year = 365.0 * 24 * 3600;

}  // namespace

void Forecast::add(Time now, std::uint64_t free) {
    while (samples_.size() > 2 && now - samples_[1].time > span) {
        samples_.pop_front();
    }
    if (samples_.size() > 1 && now - samples_[samples_.size() - 2].time < shortest_between) {
        samples_.back() = {now, free};
    } else {
        samples_.push_back({now, free});
    }
}

std::int64_t Forecast::rate_since(const Sample& sample) const {
    const std::chrono::duration<double> elapsed = samples_.back().time - sample.time;
    const double change = static_cast<double>(samples_.back().free) - static_cast<double>(sample.free);
    return elapsed.count() > 0 ? static_cast<std::int64_t>(change / elapsed.count()) : 0;
}

std::int64_t Forecast::rate() const {
    return samples_.size() < 2 ? 0 : rate_since(samples_.front());
}

std::int64_t Forecast::latest_rate() const {
    return samples_.size() < 2 ? 0 : rate_since(samples_[samples_.size() - 2]);
}

std::optional<std::chrono::seconds> Forecast::time_to(std::uint64_t level) const {
    const std::int64_t change = rate();
    if (change >= 0 || samples_.back().free < level) {
        return std::nullopt;
    }
    const double seconds = static_cast<double>(samples_.back().free - level) / -static_cast<double>(change);
    return seconds < a_year ? std::optional(std::chrono::seconds{static_cast<std::int64_t>(seconds)})
                            : std::nullopt;
}

}  // namespace mistamover::disk_space
