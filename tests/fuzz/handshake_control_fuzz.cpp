// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/checksum_form.hpp"
#include "arrivals/handshake_files.hpp"
#include "arrivals/receiver_decision.hpp"
#include "fuzz.hpp"

using namespace mistamover;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const auto control = arrivals::parse_control(text);
    if (!control) {
        return 0;
    }
    fuzz::require(size <= arrivals::handshake_file_limit);
    for (const std::string& field : {control->data_name, control->checksum, control->receipt_name}) {
        fuzz::require(field.find('\n') == std::string::npos);
    }
    fuzz::require(arrivals::parse_control(arrivals::to_text(*control)) == control);
    const std::string_view algorithm = arrivals::algorithm_of(control->checksum);
    fuzz::require(algorithm == "md5" || algorithm == "sha256" || algorithm == "blake2b512");
    const auto decide = [&](std::uint64_t there) {
        return arrivals::decide_by_size(*control, {true, true, there}, {}, std::chrono::seconds{30}).step;
    };
    fuzz::require(decide(control->size) == arrivals::Step::compute);
    fuzz::require(control->size == 0 || decide(control->size - 1) == arrivals::Step::wait);
    return 0;
}
