// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "receiver.hpp"

namespace mistamover::test {
namespace {

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

bool logs(const Receiver& receiver, const std::string& text) {
    return eventually([&] { return receiver.site().log("arrmon_p").find(text) != std::string::npos; });
}

}  // namespace

TEST_SUITE_BEGIN("arrivals");

TEST_CASE("a file that arrives whole is delivered and receipted, and a thank-you takes the receipt away") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    const std::string thank_you = receiver.accepted("f", "hello");
    REQUIRE(thank_you.ends_with(".stager-thanks-bss"));
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f").filename().string()});

    receiver.thank(receiver.receipt("f").filename().string(), thank_you);
    CHECK(gone(receiver.receipt("f")));
    CHECK(gone(receiver.incoming() / thank_you));
    CHECK(receiver.in_incoming().empty());
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a file that arrives damaged, or with anything more, is refused with the reason and deleted") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.announce("damaged", "hello");
    receiver.put(receiver.incoming() / "damaged", "hullo");
    CHECK(receiver.answer("damaged", "2\n5\n" + md5_of("hullo")).ends_with(".stager-thanks-bss"));
    receiver.announce("longer", "hello");
    receiver.put(receiver.incoming() / "longer", "hello!");
    CHECK(receiver.answer("longer", "1\n6\n").ends_with(".stager-thanks-bss"));
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("damaged").filename().string(),
                                                          receiver.receipt("longer").filename().string()});
    CHECK(std::filesystem::is_empty(receiver.site().source()));
}

TEST_CASE("a file is held while another has its name, and accepted once that one has gone") {
    const Receiver receiver;
    write_file(receiver.delivered("f"), "other");
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    REQUIRE(logs(receiver, "f is held"));
    CHECK_FALSE(receiver.is_answered("f"));
    CHECK(std::filesystem::exists(receiver.control("f")));
    CHECK(read_file(receiver.delivered("f")) == "other");
    CHECK(eventually([&] {
        return run_program({"status", receiver.site().config().string()})
                   .output.find("its name in the stream's directory is taken") != std::string::npos;
    }));

    std::filesystem::rename(receiver.delivered("f"), receiver.site().home() / "other");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(read_file(receiver.site().home() / "other") == "other");
}

TEST_CASE("the same file sent again is accepted again, and the first stays") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello", 1);
    CHECK_FALSE(receiver.accepted("f", "hello", 1).empty());
    const std::uint64_t first = inode_of(receiver.delivered("f"));
    receiver.send("f", "hello", 2);
    CHECK_FALSE(receiver.accepted("f", "hello", 2).empty());
    CHECK(inode_of(receiver.delivered("f")) == first);
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a sender that takes any receipt for success gets one for success only") {
    const Receiver receiver("data_grace: 1s, legacy_sender: true");
    const Daemon daemon(receiver.site());
    receiver.put(receiver.incoming() / "f", "hullo");
    receiver.announce("f", "hello", 1);
    CHECK(gone(receiver.control("f")));
    receiver.announce("absent", "hello");
    CHECK(gone(receiver.control("absent")));
    receiver.send("f", "hello", 2);
    CHECK_FALSE(receiver.accepted("f", "hello", 2).empty());
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f", 2).filename().string()});
}

TEST_CASE("receipts that nobody thanks for go at their age, and nothing else does") {
    const Receiver receiver("receipt_max_age: 8s");
    const std::filesystem::path other = receiver.receipt("other");
    write_file(other, "not a receipt");
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(gone(receiver.receipt("f")));
    CHECK(read_file(other) == "not a receipt");
    CHECK(read_file(receiver.delivered("f")) == "hello");
}

TEST_CASE("a .stop file in the incoming directory is its deliverers' to see, and what has come is accepted") {
    const Receiver receiver;
    write_file(receiver.incoming() / ".stop", "operator");
    const Daemon daemon(receiver.site());
    receiver.put(receiver.incoming() / "g", "hello");
    receiver.put(receiver.control("g"), control_text("g", "5", md5_of("hello"), ".stop"));
    CHECK(gone(receiver.control("g")));
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.incoming() / ".stop") == "operator");
}

TEST_CASE(
    "what the disk fails to keep or to give is answered as an I/O error, and accepted once it is mended") {
    for (const std::string failure : {"write content", "write directories", "read data"}) {
        INFO(failure);
        const Receiver receiver;
        const std::filesystem::path failing = receiver.site().home() / "failing-disk";
        const Daemon daemon(receiver.site(),
                            {"LD_PRELOAD=" MISTAMOVER_FAILING_DISK, "FAILING_DISK=" + failing.string(),
                             "ASAN_OPTIONS=verify_asan_link_order=0"});
        receiver.put(failing, failure);
        // So many that they are written out together.
        const int files = failure == "write content" ? 20 : 1;
        const auto name = [](int file) { return "f" + std::to_string(file); };
        for (int file = 0; file < files; ++file) {
            receiver.send(name(file), "hello", 1);
        }
        std::set<std::string> receipts;
        for (int file = 0; file < files; ++file) {
            CHECK(receiver.answer(name(file), "3\n-1\n", 1).ends_with(".stager-thanks-bss"));
            receipts.insert(receiver.receipt(name(file), 1).filename().string());
        }
        CHECK(receiver.in_incoming() == receipts);
        CHECK(std::filesystem::is_empty(receiver.site().source()) == (failure != "write directories"));
        std::filesystem::remove(failing);
        receiver.send(name(0), "hello", 2);
        CHECK_FALSE(receiver.accepted(name(0), "hello", 2).empty());
        CHECK(read_file(receiver.delivered(name(0))) == "hello");
        CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
    }
}

TEST_CASE("one pass answers what is there, and names what is held") {
    const Receiver receiver;
    write_file(receiver.delivered("held"), "other");
    receiver.send("held", "hello");
    receiver.send("f", "hello");
    const ProgramResult result = receiver.site().one_off();
    CHECK(result.exit_code == 1);
    CHECK(result.output.find("held: its name in the stream's directory is taken") != std::string::npos);
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    std::filesystem::remove(receiver.delivered("held"));
    CHECK(receiver.site().one_off().exit_code == 0);
    CHECK_FALSE(receiver.accepted("held", "hello").empty());
}

TEST_CASE("status shows what an arrivals monitor has accepted and why it waits") {
    const Receiver receiver("data_grace: 60s");
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    receiver.announce("late", "hello");
    std::string shown;
    CHECK(eventually([&] {
        shown = run_program({"status", receiver.site().config().string()}).output;
        return shown.find("late: it has not arrived completely") != std::string::npos;
    }));
    INFO(shown);
    CHECK(shown.find("ARRIVALS") != std::string::npos);
    CHECK(shown.find("STREAM") == std::string::npos);  // nothing is sent here
}

TEST_SUITE_END();

}  // namespace mistamover::test
