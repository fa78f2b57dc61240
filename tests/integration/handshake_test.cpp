// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

#include "program.hpp"

namespace mistamover::test {
namespace {

constexpr const char* md5_of_hello = "5d41402abc4b2a76b9719d911017c592";

using Lines = std::vector<std::string>;

// A sender whose receiver is the test.
class Sender {
  public:
    explicit Sender(const std::string& more = "") {
        site_.add_stream("p", "target_uses_arrival_monitor: true, retry_delay: 100ms" + more);
    }

    [[nodiscard]] const Site& site() const { return site_; }
    [[nodiscard]] std::filesystem::path source(const std::string& name) const {
        return site_.source() / name;
    }
    [[nodiscard]] std::filesystem::path target(const std::string& name) const {
        return site_.target() / name;
    }
    [[nodiscard]] std::filesystem::path journal(const std::string& name) const {
        return source('.' + name + ".stager-ctrl-bss");
    }
    // While this file is there, the disk fails to do what it says, for a daemon in failing_environment().
    [[nodiscard]] std::filesystem::path failing() const { return site_.home() / "failing-disk"; }
    [[nodiscard]] std::vector<std::string> failing_environment() const {
        return {"LD_PRELOAD=" MISTAMOVER_FAILING_DISK, "FAILING_DISK=" + failing().string(),
                "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"};
    }
    [[nodiscard]] bool logs_that(const std::string& text) const {
        return eventually([&] { return logs().find(text) != std::string::npos; });
    }
    [[nodiscard]] std::string logs() const { return site_.log("dtc_p") + site_.log("mistamover_ctl"); }

    // The lines of the next control file for this data file; it is taken away, as a receiver does.
    [[nodiscard]] Lines take_control(const std::string& name) const {
        const std::filesystem::path control = target('.' + name + ".stager-ctrl-bss");
        const bool came = eventually([&] { return std::filesystem::exists(control); });
        INFO(name, ' ', logs());
        CHECK(came);
        std::string text = read_file(control);
        std::filesystem::remove(control);
        Lines lines;
        for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
            lines.push_back(text.substr(0, end));
        }
        CHECK(lines.size() == 6);
        lines.resize(6);
        return lines;
    }
    void answer(const std::string& receipt_name, const std::string& text) const {
        write_file(site_.home() / "receipt", text);
        std::filesystem::rename(site_.home() / "receipt", target(receipt_name));
    }
    [[nodiscard]] bool loses_source(const std::string& name) const {
        return eventually([&] { return !std::filesystem::exists(source(name)); });
    }

  private:
    Site site_;
};

std::string thankyou_name(const std::string& name) {
    return '.' + name + ".1.00.stager-thanks-bss";
}

std::string receipt(const std::string& name, const std::string& status, const std::string& size,
                    const std::string& checksum) {
    return "_start_stager_receipt_data_\n" + name + '\n' + status + '\n' + size + '\n' + checksum + '\n' +
           thankyou_name(name) + "\n_end_stager_receipt_data_\n";
}

// Of a file that holds "hello".
std::string good_receipt(const std::string& name) {
    return receipt(name, "0", "5", md5_of_hello);
}

std::string with_carriage_returns(std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) {
        text.insert(at, "\r");
    }
    return text;
}

bool is_thanked(const Sender& sender, const std::string& name, const std::string& receipt_name) {
    const std::string expected = "_start_stager_thankyou_\n" + receipt_name + "\n_end_stager_thankyou_\n";
    return eventually([&] { return read_file(sender.target(thankyou_name(name))) == expected; });
}

}  // namespace

TEST_SUITE_BEGIN("handshake");

TEST_CASE("a control file follows the data, and the receipt takes the source away and is thanked for") {
    const Sender sender;
    write_file(sender.source("f"), "hello");
    const Daemon daemon(sender.site());
    const Lines control = sender.take_control("f");
    CHECK(read_file(sender.target("f")) == "hello");
    CHECK(control[0] == "_start_stager_ctrl_data_");
    CHECK(control[1] == "f");
    CHECK(control[2] == "5");
    CHECK(control[3] == md5_of_hello);
    CHECK(control[4].starts_with(".f."));
    CHECK(control[4].ends_with(".stager-rcpt-bss"));
    CHECK(control[5] == "_end_stager_ctrl_data_");
    CHECK(std::filesystem::exists(sender.source("f")));
    CHECK(std::filesystem::exists(sender.journal("f")));
    CHECK(eventually([&] { return sender.site().state_of("p") == "waiting"; }));

    sender.answer(control[4], good_receipt("f"));
    CHECK(sender.loses_source("f"));
    CHECK(is_thanked(sender, "f", control[4]));
    CHECK(eventually([&] { return sender.site().state_of("p") == "idle"; }));
    CHECK_FALSE(std::filesystem::exists(sender.journal("f")));
}

TEST_CASE("of all answers one alone deletes the source; after any other the file is sent again") {
    const Sender sender(", receipt_file_poll_interval: 200ms, receipt_file_poll_count: 40");
    // By the name of the file: what comes as its receipt. Nothing: none.
    const std::string nothing = "d41d8cd98f00b204e9800998ecf8427e";
    const std::string truncated = good_receipt("truncated");
    const std::map<std::string, std::string> answers{
        {"success", good_receipt("success")},
        {"bad size", receipt("bad size", "1", "4", "")},
        {"bad checksum", receipt("bad checksum", "2", "5", nothing)},
        {"io error", receipt("io error", "3", "-1", "")},
        {"no such file", receipt("no such file", "4", "-1", "")},
        {"no receipt", ""},
        {"garbage", "garbage"},
        {"truncated", truncated.substr(0, truncated.size() - 10)},
        {"crlf", with_carriage_returns(good_receipt("crlf"))},
        {"oversized", good_receipt("oversized") + std::string(1'000'000, '\n')},
        {"of another file", good_receipt("success")},
        {"of other bytes", receipt("of other bytes", "0", "5", nothing)},
        {"of fewer bytes", receipt("of fewer bytes", "0", "4", md5_of_hello)},
        {"replayed", receipt("replayed", "0", "0", nothing)},
        {"late", ""},
    };
    for (const auto& [name, text] : answers) {
        write_file(sender.source(name), "hello");
    }
    const Daemon daemon(sender.site());
    std::map<std::string, Lines> first;
    for (const auto& [name, text] : answers) {
        first[name] = sender.take_control(name);
        if (!text.empty()) {
            sender.answer(first[name][4], text);
        }
    }
    CHECK(sender.loses_source("success"));
    for (const auto& [name, text] : answers) {
        if (name != "success") {
            const Lines again = sender.take_control(name);
            const std::string& unit = name;
            CAPTURE(unit);
            CHECK(std::filesystem::exists(sender.source(unit)));
            CHECK(again[4] != first[name][4]);
            if (name == "late") {
                sender.answer(first[name][4], good_receipt(name));
            }
            sender.answer(again[4], name == "late" ? receipt(name, "4", "-1", "") : good_receipt(name));
        }
    }
    // A receipt counts for what was asked, not for what was sent once.
    const Lines late = sender.take_control("late");
    CHECK(std::filesystem::exists(sender.source("late")));
    sender.answer(late[4], good_receipt("late"));
    for (const auto& [name, text] : answers) {
        CHECK(sender.loses_source(name));
    }
    CHECK(eventually([&] { return sender.site().state_of("p") == "idle"; }));
}

TEST_CASE("what is never accepted goes to the quarantine, and so does what cannot be announced") {
    const Sender sender(", retry_count: 2");
    write_file(sender.source("f"), "hello");
    write_file(sender.source("with\nnewline"), "x");
    std::filesystem::create_symlink("f", sender.source("link"));
    const Daemon daemon(sender.site());
    for (int i = 0; i < 2; ++i) {
        sender.answer(sender.take_control("f")[4], receipt("f", "2", "5", "other"));
    }
    const std::filesystem::path quarantine = sender.source("quarantine");
    CHECK(eventually([&] { return std::filesystem::exists(quarantine / "f"); }));
    CHECK(eventually([&] { return std::filesystem::exists(quarantine / "with\nnewline"); }));
    CHECK(eventually([&] { return std::filesystem::is_symlink(quarantine / "link"); }));
    CHECK(eventually([&] { return sender.site().state_of("p") == "idle"; }));
    for (const char* reason : {"bad checksum", "it has a newline"}) {
        CHECK(eventually([&] { return sender.logs().find(reason) != std::string::npos; }));
    }
    CHECK_FALSE(std::filesystem::exists(sender.journal("f")));
}

TEST_CASE("waiting for receipts never holds up other files, up to the window") {
    const Sender sender(", handshake_window: 3");
    for (const char* name : {"a", "b", "c", "d"}) {
        write_file(sender.source(name), "hello");
        std::filesystem::last_write_time(sender.source(name), std::filesystem::file_time_type::clock::now());
    }
    const Daemon daemon(sender.site());
    const Lines a = sender.take_control("a");
    (void)sender.take_control("b");
    (void)sender.take_control("c");
    CHECK(eventually([&] { return sender.site().state_of("p") == "waiting"; }));
    CHECK_FALSE(std::filesystem::exists(sender.target("d")));
    sender.answer(a[4], good_receipt("a"));
    (void)sender.take_control("d");
    CHECK(sender.loses_source("a"));
}

TEST_CASE("a source that changes during the handshake is kept and sent again") {
    const Sender sender;
    write_file(sender.source("f"), "hello");
    const Daemon daemon(sender.site());
    const Lines control = sender.take_control("f");
    write_file(sender.source("f"), "hello, changed");
    sender.answer(control[4], good_receipt("f"));
    CHECK(is_thanked(sender, "f", control[4]));
    const Lines again = sender.take_control("f");
    CHECK(again[2] == "14");
    CHECK(read_file(sender.source("f")) == "hello, changed");
}

TEST_CASE("a directory goes as a zip file") {
    const Sender sender;
    write_file(sender.source("d") / "inner", "hello");
    const Daemon daemon(sender.site());
    const Lines control = sender.take_control("d.zip");
    CHECK(control[1] == "d.zip");
    CHECK(std::filesystem::file_size(sender.target("d.zip")) == std::stoul(control[2]));
    sender.answer(control[4], receipt("d.zip", "0", control[2], control[3]));
    CHECK(sender.loses_source("d"));
    CHECK(is_thanked(sender, "d.zip", control[4]));
}

TEST_CASE("a legacy receiver must also have taken the data away") {
    const Sender sender(", legacy_receiver: true, receipt_file_poll_interval: 100ms");
    write_file(sender.source("f"), "hello");
    const Daemon daemon(sender.site());
    const Lines control = sender.take_control("f");
    sender.answer(control[4], good_receipt("f"));
    CHECK(eventually([&] { return sender.site().state_of("p") == "waiting"; }));
    CHECK(std::filesystem::exists(sender.source("f")));
    std::filesystem::remove(sender.target("f"));
    CHECK(sender.loses_source("f"));
}

TEST_CASE("nothing is announced before the disk has the journal, file and name") {
    for (const std::string failure : {"write content", "write directories"}) {
        INFO(failure);
        const Sender sender;
        write_file(sender.failing(), failure);
        write_file(sender.source("f"), "hello");
        const Daemon daemon(sender.site(), sender.failing_environment());
        CHECK(sender.logs_that("bring the handshakes' journal to the disk"));
        CHECK(read_file(sender.target("f")) == "hello");
        CHECK_FALSE(std::filesystem::exists(sender.target(".f.stager-ctrl-bss")));
        CHECK_FALSE(std::filesystem::exists(sender.source("quarantine")));
        std::filesystem::remove(sender.failing());
        sender.answer(sender.take_control("f")[4], good_receipt("f"));
        CHECK(sender.loses_source("f"));
    }
}

TEST_CASE("a receipt is not thanked for before the disk knows that the source has gone") {
    const Sender sender;
    write_file(sender.source("f"), "hello");
    const Daemon daemon(sender.site(), sender.failing_environment());
    const Lines control = sender.take_control("f");
    write_file(sender.failing(), "write directories");
    sender.answer(control[4], good_receipt("f"));
    CHECK(sender.loses_source("f"));
    CHECK(sender.logs_that("bring the deletions to the disk"));
    CHECK_FALSE(std::filesystem::exists(sender.target(thankyou_name("f"))));
    CHECK(std::filesystem::exists(sender.journal("f")));
    std::filesystem::remove(sender.failing());
    CHECK(is_thanked(sender, "f", control[4]));
    CHECK(eventually([&] { return !std::filesystem::exists(sender.journal("f")); }));
}

TEST_SUITE_END();

}  // namespace mistamover::test
