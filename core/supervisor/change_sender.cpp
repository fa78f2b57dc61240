// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/change_sender.hpp"

#include <utility>

namespace mistamover::supervisor {
namespace {

constexpr std::size_t most_names_in_message = 1000;

}  // namespace

ChangeSender::ChangeSender(process::Channel& channel) : channel_(channel) {
    channel_.on_drained([this] {
        if (std::exchange(owes_rescan_, false)) {
            channel_.send(process::Rescan{});
        }
    });
}

void ChangeSender::tell(std::vector<std::string>&& names, bool lost) {
    if (channel_.pending() > 0) {
        owes_rescan_ = true;
    } else if (lost || names.size() > most_names_in_message) {
        channel_.send(process::Rescan{});
    } else {
        channel_.send(process::Changed{std::move(names)});
    }
}

}  // namespace mistamover::supervisor
