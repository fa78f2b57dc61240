// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/unit_holds.hpp"

#include <algorithm>
#include <utility>

namespace mistamover::supervisor {

void UnitHolds::hold(const std::string& directory, Names names, const OnHeld& on_held) {
    asked_.erase(directory);
    held_[directory] = names;
    on_held(std::move(names));
}

void UnitHolds::ask(const std::string& directory, Names names, pid_t process, process::Channel& channel,
                    OnHeld on_held) {
    asked_[directory] = {++last_request_, process, std::move(on_held)};
    channel.send(process::HoldUnits{last_request_, directory, std::move(names)});
}

void UnitHolds::answered(process::UnitsHeld&& answer) {
    const auto question = std::find_if(asked_.begin(), asked_.end(), [&](const auto& entry) {
        return entry.second.request == answer.request;
    });
    settle(question, std::move(answer.names));
}

void UnitHolds::ended(pid_t process) {
    const auto next = [&] {
        return std::find_if(asked_.begin(), asked_.end(),
                            [&](const auto& entry) { return entry.second.process == process; });
    };
    for (auto question = next(); question != asked_.end(); question = next()) {
        settle(question, {});
    }
}

void UnitHolds::release(const std::string& directory) {
    asked_.erase(directory);
    held_.erase(directory);
}

UnitHolds::Names UnitHolds::held_in(const std::string& directory) const {
    const auto found = held_.find(directory);
    return found == held_.end() ? Names() : found->second;
}

void UnitHolds::settle(std::map<std::string, Question>::iterator question, Names&& names) {
    if (question != asked_.end()) {
        const OnHeld on_held = std::move(question->second.on_held);
        held_[question->first] = names;
        asked_.erase(question);
        on_held(std::move(names));
    }
}

}  // namespace mistamover::supervisor
