// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <string>

#include "campaign.hpp"
#include "faulty_site.hpp"
#include "receiving_site.hpp"

namespace mistamover::test {
namespace {

int damaged_files() {
    return is_full_campaign() ? 1000 : 60;
}

std::string damaged_content(int number) {
    return "content of " + std::to_string(number) + std::string(static_cast<std::size_t>(number * 7), '.');
}

}  // namespace

TEST_SUITE_BEGIN("handshake_damage_campaign");

TEST_CASE("whatever is damaged in transit is noticed by the receiver, sent again, and ends equal") {
    const int each = (damaged_files() + 2) / 3;
    for (const std::string damage : {"flip", "truncate", "extend"}) {
        INFO(damage);
        FaultySite sender;
        ReceivingSite receiver;
        receiver.receive_in(sender.target());
        sender.add_faulty_stream("target_uses_arrival_monitor: true, retry_delay: 50ms");
        receiver.add_receiver();
        sender.set_faults("first put [!.]* " + damage);
        for (int number = 0; number < each; ++number) {
            write_file(sender.source() / std::to_string(number), damaged_content(number));
        }
        const Daemon receiving(receiver);
        const ProgramResult result = sender.one_off();
        CHECK_MESSAGE(result.exit_code == 0, result.output << receiver.log("arrmon_p"));
        for (int number = 0; number < each; ++number) {
            CHECK(read_file(receiver.source() / std::to_string(number)) == damaged_content(number));
        }
        CHECK(sender.uses() == static_cast<std::size_t>(each));
        CHECK(eventually([&] {
            return count_of(" is refused: ", receiver.log("arrmon_p")) == static_cast<std::size_t>(each);
        }));
        CHECK(names_in(sender.source()).empty());
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
