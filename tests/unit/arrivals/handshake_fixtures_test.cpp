// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "arrivals/handshake_files.hpp"
#include "arrivals/handshake_names.hpp"
#include "arrivals/receiver_decision.hpp"
#include "scratch.hpp"

namespace mistamover::arrivals {
namespace {

// The files of this kind, which the fuzzers begin with too.
std::string fixture(const std::string& name) {
    std::string text = test::read_file(std::filesystem::path(HANDSHAKE_FIXTURES) / name);
    INFO(name);
    REQUIRE((!text.empty() || name.ends_with("/empty")));
    return text;
}

}  // namespace

TEST_CASE("control files as the Python tool takes them, and what is made of each") {
    enum class Taken { no, yes, refused };
    struct Row {
        const char* file;
        Taken taken;
        ReceiptStatus status = ReceiptStatus::success;
    };
    // `refused`: it reads, and names what is not its own. Status: where 17 bytes of the usual checksum
    // arrive.
    for (const Row& row :
         {Row{"plain", Taken::yes}, Row{"no-last-newline", Taken::yes}, Row{"crlf", Taken::no},
          Row{"upper-case", Taken::yes, ReceiptStatus::bad_checksum}, Row{"blank-line-behind", Taken::no},
          Row{"line-too-many", Taken::no}, Row{"line-too-few", Taken::no}, Row{"blanks", Taken::yes},
          Row{"plus", Taken::yes}, Row{"minus", Taken::no}, Row{"path", Taken::refused},
          Row{"receipt-path", Taken::refused}, Row{"letters", Taken::yes}, Row{"larger-size", Taken::no},
          Row{"nul", Taken::refused}, Row{"empty-names", Taken::refused}, Row{"long", Taken::no},
          Row{"empty", Taken::no}, Row{"truncated", Taken::no}}) {
        INFO(row.file);
        const auto control = parse_control(fixture(std::string("handshake_control/") + row.file));
        CHECK(control.has_value() == (row.taken != Taken::no));
        if (!control) {
            continue;
        }
        const bool is_own = is_data_name(control->data_name) &&
                            is_answer_name(control->receipt_name, ".stop", "ctrl", "thanks");
        CHECK(is_own == (row.taken == Taken::yes));
        CHECK(decide_by_size(*control, {true, true, 17}, {}, {}).step == Step::compute);
        CHECK(decide_by_checksum(*control, "0cc175b9c0f1b6a831c399e269772661") == row.status);
    }
}

TEST_CASE("receipts of every status as the Python tool writes them") {
    struct Row {
        const char* file;
        ReceiptStatus status;
        bool has_size;
        bool has_checksum;
    };
    for (const Row& row : {Row{"success", ReceiptStatus::success, true, true},
                           Row{"bad-size", ReceiptStatus::bad_size, true, false},
                           Row{"bad-checksum", ReceiptStatus::bad_checksum, true, true},
                           Row{"io-error", ReceiptStatus::io_error, false, false},
                           Row{"no-file", ReceiptStatus::no_such_file, false, false}}) {
        INFO(row.file);
        const std::string text = fixture(std::string("handshake_receipt/") + row.file);
        const auto receipt = parse_receipt(text);
        REQUIRE(receipt);
        CHECK(receipt->status == row.status);
        CHECK(receipt->size.has_value() == row.has_size);
        CHECK(receipt->checksum.empty() != row.has_checksum);
        CHECK(to_text(*receipt) == text);
    }
    const std::string thank_you = fixture("handshake_thankyou/plain");
    CHECK(to_text(parse_thank_you(thank_you).value()) == thank_you);
}

}  // namespace mistamover::arrivals
