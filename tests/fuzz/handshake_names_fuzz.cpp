// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_names.hpp"
#include "fuzz.hpp"

using namespace mistamover;

// The input is a name as a peer may have written it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace std::string_view_literals;
    const std::string_view name = fuzz::text_of(data, size);
    const bool is_plain = arrivals::is_plain_name(name);
    fuzz::require(!is_plain || (name.find_first_of("/\n\0"sv) == std::string_view::npos && !name.empty() &&
                                name != "." && name != ".." && size <= 255));
    fuzz::require(!arrivals::is_data_name(name) || (is_plain && name.front() != '.'));
    const bool may_answer = arrivals::is_answer_name(name, ".stop", "ctrl", "thanks");
    fuzz::require(!may_answer ||
                  (is_plain && name.front() == '.' && name != ".stop" &&
                   !arrivals::has_extension(name, "ctrl") && !arrivals::has_extension(name, "thanks")));
    if (arrivals::is_data_name(name)) {
        const std::string control = arrivals::control_name(name, "ctrl");
        const std::string receipt =
            arrivals::stamped_name(name, std::chrono::system_clock::time_point{}, "rcpt");
        fuzz::require(arrivals::has_extension(control, "ctrl") && arrivals::is_plain_name(control));
        fuzz::require(arrivals::is_answer_name(receipt, ".stop", "ctrl", "thanks"));
    }
    return 0;
}
