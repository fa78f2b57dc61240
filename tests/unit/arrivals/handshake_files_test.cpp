// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/handshake_files.hpp"

#include <doctest/doctest.h>

namespace mistamover::arrivals {
namespace {

const std::string digest(32, 'a');

// As the Python tool reads it, with any size, checksum and names.
std::string control_text(const std::string& name = "ok.dat", const std::string& size = "17",
                         const std::string& checksum = digest,
                         const std::string& receipt = ".ok.dat.1.00.r") {
    return "_start_stager_ctrl_data_\n" + name + '\n' + size + '\n' + checksum + '\n' + receipt +
           "\n_end_stager_ctrl_data_\n";
}

std::string receipt_text(const std::string& status, const std::string& size, const std::string& checksum) {
    return "_start_stager_receipt_data_\nok.dat\n" + status + '\n' + size + '\n' + checksum +
           "\n.ok.dat.1.02.t\n_end_stager_receipt_data_\n";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
    return text;
}

}  // namespace

TEST_CASE("a control file is read, and written as it is read") {
    const auto control = parse_control(control_text());
    REQUIRE(control);
    CHECK(*control == Control{"ok.dat", 17, digest, ".ok.dat.1.00.r"});
    CHECK(to_text(*control) == control_text());
}

TEST_CASE("a control file without its last newline, with blanks or a sign about the size, is read") {
    std::string text = control_text();
    text.pop_back();
    CHECK(parse_control(text));
    CHECK(parse_control(control_text("f", " 17 "))->size == 17);
    CHECK(parse_control(control_text("f", "+17"))->size == 17);
    CHECK(parse_control(control_text("f", "18446744073709551615"))->size == ~0ULL);
}

TEST_CASE("names and checksums are read as they stand") {
    CHECK(parse_control(control_text("e11 a'b \xc3\xa9.dat"))->data_name == "e11 a'b \xc3\xa9.dat");
    CHECK(parse_control(control_text("../../x/e8.dat"))->data_name == "../../x/e8.dat");
    CHECK(parse_control(control_text("f", "1", "ABCDEF"))->checksum == "ABCDEF");
    CHECK(parse_control(control_text("f", "1", digest, "/etc/e9"))->receipt_name == "/etc/e9");
}

TEST_CASE("what is not a control file is refused") {
    CHECK_FALSE(parse_control(""));
    CHECK_FALSE(parse_control("\n"));
    CHECK_FALSE(parse_control(replaced(control_text(), "\n", "\r\n")));
    CHECK_FALSE(parse_control(control_text() + '\n'));
    CHECK_FALSE(parse_control(replaced(control_text(), "_end", "x\n_end")));
    CHECK_FALSE(parse_control(replaced(control_text(), digest + '\n', "")));
    CHECK_FALSE(parse_control(' ' + control_text()));
    CHECK_FALSE(parse_control(replaced(control_text(), "ctrl", "rcpt")));
    for (const std::string size : {"", " ", "x", "-1", "+-1", "++1", "1 7", "1x", "18446744073709551616"}) {
        CHECK_MESSAGE(!parse_control(control_text("f", size)), size);
    }
    CHECK_FALSE(parse_control(control_text(std::string(handshake_file_limit, 'n'))));
}

TEST_CASE("every beginning of a control file but the one without a newline is refused") {
    const std::string text = control_text();
    for (std::size_t length = 0; length + 1 < text.size(); ++length) {
        CHECK_FALSE(parse_control(text.substr(0, length)));
    }
}

TEST_CASE("receipts of every status are read, and written as they are read") {
    const auto read_back = [](const std::string& text) {
        const auto receipt = parse_receipt(text);
        REQUIRE(receipt);
        CHECK(to_text(*receipt) == text);
        return *receipt;
    };
    CHECK(read_back(receipt_text("0", "17", digest)) ==
          Receipt{"ok.dat", ReceiptStatus::success, 17, digest, ".ok.dat.1.02.t"});
    CHECK(read_back(receipt_text("1", "17", "")).status == ReceiptStatus::bad_size);
    CHECK(read_back(receipt_text("2", "17", digest)).status == ReceiptStatus::bad_checksum);
    CHECK(read_back(receipt_text("3", "-1", "")).status == ReceiptStatus::io_error);
    CHECK_FALSE(read_back(receipt_text("4", "-1", "")).size);
}

TEST_CASE("what is not a receipt is refused") {
    CHECK_FALSE(parse_receipt("garbage"));
    CHECK_FALSE(parse_receipt(receipt_text("5", "17", digest)));
    CHECK_FALSE(parse_receipt(receipt_text("", "17", digest)));
    CHECK_FALSE(parse_receipt(receipt_text("0", "-2", digest)));
    CHECK_FALSE(parse_receipt(receipt_text("0", "", digest)));
    CHECK_FALSE(parse_receipt(replaced(receipt_text("0", "17", digest), "\n", "\r\n")));
    const std::string text = receipt_text("0", "17", digest);
    for (std::size_t length = 0; length + 1 < text.size(); ++length) {
        CHECK_FALSE(parse_receipt(text.substr(0, length)));
    }
}

TEST_CASE("a thank-you is read, and written as it is read") {
    const std::string text = "_start_stager_thankyou_\n.ok.dat.1.00.r\n_end_stager_thankyou_\n";
    const auto thanks = parse_thank_you(text);
    REQUIRE(thanks);
    CHECK(thanks->receipt_name == ".ok.dat.1.00.r");
    CHECK(to_text(*thanks) == text);
    CHECK_FALSE(parse_thank_you(text + text));
}

}  // namespace mistamover::arrivals
