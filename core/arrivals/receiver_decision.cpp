// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/receiver_decision.hpp"

namespace mistamover::arrivals {

Decision decide_by_size(const Control& control, const DataSeen& data, std::chrono::milliseconds quiet,
                        std::chrono::milliseconds data_grace) {
    if (data.there && !data.is_file) {
        return {Step::answer, ReceiptStatus::io_error};
    }
    if (data.there && data.size == control.size) {
        return {Step::compute};
    }
    if (data.there && data.size > control.size) {
        return {Step::answer, ReceiptStatus::bad_size};
    }
    if (quiet < data_grace) {
        return {Step::wait};
    }
    return {Step::answer, data.there ? ReceiptStatus::bad_size : ReceiptStatus::no_such_file};
}

ReceiptStatus decide_by_checksum(const Control& control, const std::optional<std::string>& checksum) {
    if (!checksum) {
        return ReceiptStatus::io_error;
    }
    return *checksum == control.checksum ? ReceiptStatus::success : ReceiptStatus::bad_checksum;
}

}  // namespace mistamover::arrivals
