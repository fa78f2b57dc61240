// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrivals_monitor.hpp"

#include <array>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>

#include "no_more_files.hpp"
#include "process/unique_fd.hpp"
#include "receiving_site.hpp"

namespace mistamover::arrivals {
namespace {

using Names = std::set<std::string>;

const Control hullo_control{"f", 5, test::hullo_md5, ".f.2.rcpt"};

// A monitor, and what its process does for it.
struct MonitorBench {
    explicit MonitorBench(test::ReceivingSite& receiving) : site(receiving) {}

    void scan() { monitor.scan(ArrivalsMonitor::Clock::now()); }
    void tick() { monitor.tick(ArrivalsMonitor::Clock::now()); }
    [[nodiscard]] bool goes_on_until(const std::function<bool()>& condition) {
        return test::eventually([&] {
            monitor.take_results();
            tick();
            return condition();
        });
    }
    [[nodiscard]] bool ends() {
        return goes_on_until([this] { return !monitor.waits(); });
    }
    // Both times before anything has come of the first.
    void send_twice(const Control& first, const std::string& content, const Control& second) {
        site.send("hello", first);
        scan();
        site.send(content, second);
        scan();
    }
    // Until the file has its name in the stream's directory, of which the monitor knows nothing yet.
    void deliver() {
        site.send("hello", test::hello_control(".f.1.rcpt"));
        scan();
        REQUIRE(site.is_told());
        monitor.take_results();
        REQUIRE(site.is_told());
        REQUIRE(site.in_delivered() == Names{"f"});
    }

    test::ReceivingSite& site;
    ArrivalsMonitor monitor{site.settings(), site.log(), site.on_result()};
};

}  // namespace

TEST_CASE("a file that is sent again while it is checked is delivered once, and answered as asked for last") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.send_twice(test::hello_control(".f.1.rcpt"), "hello", test::hello_control(".f.2.rcpt"));
    CHECK(bench.ends());
    CHECK(site.status_in(".f.2.rcpt") == ReceiptStatus::success);
    CHECK(site.in_incoming() == Names{".f.2.rcpt"});
    CHECK(site.in_delivered() == Names{"f"});
    CHECK(site.in_journal().empty());
    CHECK(bench.monitor.answers().accepted_files() == 1);
}

TEST_CASE("a file that is sent again, and sent on once it was delivered, is not delivered again") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.deliver();
    site.send("hello", test::hello_control(".f.2.rcpt"));
    bench.scan();
    std::filesystem::remove(site.delivered("f"));
    CHECK(bench.ends());
    bench.scan();
    CHECK(bench.ends());
    CHECK(site.status_in(".f.2.rcpt") == ReceiptStatus::success);
    CHECK(site.in_incoming() == Names{".f.2.rcpt"});
    CHECK(site.in_delivered().empty());
    CHECK(bench.monitor.answers().accepted_files() == 1);
}

TEST_CASE("another file of the same name and size is another: both are answered, one after the other") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.send_twice(test::hello_control(".f.1.rcpt"), "hullo", hullo_control);
    CHECK(bench.goes_on_until([&] { return site.status_in(".f.1.rcpt").has_value(); }));
    CHECK(test::read_file(site.delivered("f")) == "hello");
    std::filesystem::remove(site.delivered("f"));
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(site.status_in(".f.2.rcpt") == ReceiptStatus::success);
    CHECK(site.in_incoming() == Names{".f.1.rcpt", ".f.2.rcpt"});
    CHECK(test::read_file(site.delivered("f")) == "hullo");
    CHECK(bench.monitor.answers().accepted_files() == 2);
}

TEST_CASE("a refusal answers one attempt alone: what was sent since is looked at by itself") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    Control damaged = hullo_control;
    damaged.receipt_name = ".f.1.rcpt";
    bench.send_twice(damaged, "hullo", hullo_control);
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::bad_checksum);
    CHECK(site.status_in(".f.2.rcpt") == ReceiptStatus::success);
    CHECK(test::read_file(site.delivered("f")) == "hullo");
}

TEST_CASE("a receipt may not be asked for under just any name the second time either") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.send_twice(test::hello_control(".f.1.rcpt"), "hello", test::hello_control(".stop"));
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(site.in_incoming() == Names{".f.1.rcpt", "f"});
}

TEST_CASE("a control file that cannot be read for now is waited for before its file is answered") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.deliver();
    site.send("hello", test::hello_control(".f.2.rcpt"));
    {
        const test::NoMoreFiles none;
        bench.monitor.take_results();
    }
    CHECK(site.in_incoming() == Names{".f.ctrl", "f"});
    CHECK(bench.ends());
    CHECK(site.in_incoming() == Names{".f.2.rcpt"});
}

TEST_CASE("nothing is taken away for a file that was sent again before the journal knows of it") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    bench.deliver();
    site.send("hello", test::hello_control(".f.2.rcpt"));
    std::filesystem::create_directory(site.journal("2.job"));  // which the next job cannot replace
    bench.monitor.take_results();
    CHECK(bench.monitor.last_error().text().starts_with("f cannot be answered: "));
    CHECK(site.in_incoming() == Names{".f.ctrl", "f"});
    CHECK(bench.ends());
    CHECK(site.in_incoming() == Names{".f.2.rcpt"});
    CHECK(site.in_delivered() == Names{"f"});
}

TEST_CASE(
    "nothing is moved to a directory that is the stream's no more, nor answered before it is in the new "
    "one") {
    test::ReceivingSite site;
    std::filesystem::path old;
    {
        MonitorBench bench(site);
        CHECK(bench.monitor.lost_directory().empty());
        site.send("hello", test::hello_control(".f.1.rcpt"));
        bench.scan();
        REQUIRE(site.is_told());
        old = site.replace(site.settings().directory);
        CHECK(bench.monitor.lost_directory() == site.settings().directory.string());
        bench.monitor.take_results();
        REQUIRE(site.is_told());
        bench.monitor.take_results();
        CHECK(site.in_incoming() == Names{".f.ctrl"});
        CHECK(bench.monitor.answers().accepted_files() == 0);
    }
    CHECK(std::filesystem::is_empty(old));
    CHECK(site.in_delivered().empty());
    MonitorBench bench(site);
    bench.monitor.recover(ArrivalsMonitor::Clock::now());
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(test::read_file(site.delivered("f")) == "hello");
}

TEST_CASE("what lies in a directory that is the stream's no more does not stand for what is sent again") {
    test::ReceivingSite site;
    test::write_file(site.delivered("f"), "hello");
    {
        MonitorBench bench(site);
        site.send("hello", test::hello_control(".f.1.rcpt"));
        bench.scan();
        REQUIRE(site.is_told());  // its own checksum
        bench.monitor.take_results();
        REQUIRE(site.is_told());  // that its name is taken
        bench.monitor.take_results();
        REQUIRE(site.is_told());  // the checksum of what has its name
        (void)site.replace(site.settings().directory);
        bench.monitor.take_results();
        CHECK(site.in_incoming() == Names{".f.ctrl"});
        CHECK(site.in_journal().contains("1.data"));
    }
    MonitorBench bench(site);
    bench.monitor.recover(ArrivalsMonitor::Clock::now());
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(test::read_file(site.delivered("f")) == "hello");
}

TEST_CASE("a monitor notices that its incoming directory, or the journal in it, is another one") {
    test::ReceivingSite site;
    {
        const MonitorBench bench(site);
        std::filesystem::remove_all(site.incoming(ArrivalJournal::directory_name));
        CHECK(bench.monitor.lost_directory().ends_with(ArrivalJournal::directory_name));
    }
    const MonitorBench bench(site);
    (void)site.replace(site.settings().incoming.directory);
    CHECK(bench.monitor.lost_directory() == site.settings().incoming.directory.string());
}

TEST_CASE("after a crash, a refusal takes nothing away but what it was about") {
    struct Row {
        const char* what;
        ReceiptStatus status;
        bool is_announced_anew;
        bool is_removed;
    };
    constexpr std::array<Row, 4> rows{{
        {"a better file was sent and announced", ReceiptStatus::bad_checksum, true, false},
        {"a file of the right size was", ReceiptStatus::bad_size, true, false},
        {"a better file was sent, and is announced soon", ReceiptStatus::bad_checksum, false, false},
        {"nothing was sent", ReceiptStatus::bad_size, false, true},
    }};
    for (const Row& row : rows) {
        INFO(row.what);
        test::ReceivingSite site;
        Control refused = test::hello_control(".f.1.rcpt");
        refused.checksum = test::hullo_md5;
        {
            const Directory incoming(site.settings().incoming.directory);
            ArrivalJournal journal(incoming, site.log());
            const auto job = journal.begin(".f.ctrl", to_text(refused));
            REQUIRE(job);
            const Receipt receipt{"f", row.status, 5, "", ".f.thanks"};
            REQUIRE(journal.write_receipt(*job, to_text(receipt)) == 0);
        }
        site.send("hello", row.is_announced_anew ? test::hello_control(".f.2.rcpt") : refused);
        MonitorBench bench(site);
        bench.monitor.recover(ArrivalsMonitor::Clock::now());
        CHECK(site.status_in(".f.1.rcpt") == row.status);
        CHECK(site.in_incoming().contains("f") != row.is_removed);
        CHECK(bench.ends());
        CHECK(site.status_in(".f.2.rcpt").has_value() == row.is_announced_anew);
        CHECK(site.in_delivered().contains("f") == row.is_announced_anew);
        CHECK(site.in_journal().empty());
    }
}

TEST_CASE("a file that cannot be taken, or answered, keeps nobody waiting for the end of a pass") {
    struct Row {
        std::string in_the_way;  // In the journal.
        std::string reason;
    };
    const std::array<Row, 2> rows{{
        {".job", "it cannot be entered in the journal: "},
        {".receipt", "it cannot be answered: "},
    }};
    std::vector<std::string> numbers;  // One is used up by each try.
    for (int number = 1; number <= 50; ++number) {
        numbers.push_back(std::to_string(number));
    }
    for (const Row& row : rows) {
        INFO(row.in_the_way);
        test::ReceivingSite site;
        MonitorBench bench(site);
        CHECK(bench.monitor.only_stuck());
        for (const std::string& number : numbers) {
            std::filesystem::create_directory(site.journal(number + row.in_the_way));
        }
        site.send("hello", test::hello_control(".f.1.rcpt"));
        bench.scan();
        CHECK(bench.goes_on_until([&] { return bench.monitor.only_stuck(); }));
        const std::vector<ArrivalsMonitor::Left> left = bench.monitor.left();
        REQUIRE(left.size() == 1);
        CHECK(left[0].name == "f");
        CHECK(left[0].reason.starts_with(row.reason));
        for (const std::string& number : numbers) {
            std::filesystem::remove(site.journal(number + row.in_the_way));
        }
        CHECK(bench.ends());
        CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    }
}

TEST_CASE("nor does a control file that cannot be read for now") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    site.send("hello", test::hello_control(".f.1.rcpt"));
    {
        // Who opens it would have to wait for this lease.
        const process::UniqueFd holder(::open(site.incoming(".f.ctrl").c_str(), O_RDWR | O_CLOEXEC));
        std::signal(SIGIO, SIG_IGN);  // which tells that somebody waits
        REQUIRE(::fcntl(holder.get(), F_SETLEASE, F_WRLCK) == 0);
        bench.scan();
        CHECK_FALSE(bench.monitor.only_stuck());
        CHECK(bench.goes_on_until([&] { return bench.monitor.only_stuck(); }));
        const std::vector<ArrivalsMonitor::Left> left = bench.monitor.left();
        REQUIRE(left.size() == 1);
        CHECK(left[0].name == ".f.ctrl");
        CHECK(left[0].reason.starts_with("it cannot be read: "));
    }
    CHECK(bench.ends());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(bench.monitor.left().empty());
}

TEST_CASE(
    "the time for which data is waited for begins anew where its sender's temporary file is being written") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    const auto begin = ArrivalsMonitor::Clock::now();
    const auto grace = site.settings().incoming.data_grace;
    site.put(".f.ctrl", to_text(test::hello_control(".f.1.rcpt")));
    test::write_file(site.incoming(".f.Xq3A7z"), "hel");
    bench.monitor.scan(begin);
    bench.monitor.tick(begin + grace);
    std::filesystem::remove(site.incoming(".f.Xq3A7z"));
    bench.monitor.tick(begin + grace * 2 - std::chrono::milliseconds{1});
    CHECK(site.in_incoming() == Names{".f.ctrl"});
    bench.monitor.tick(begin + grace * 2);
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::no_such_file);
}

TEST_CASE("a shortage that passes does not end a pass") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    site.send("hello", test::hello_control(".f.1.rcpt"));
    {
        const test::NoMoreFiles none;
        bench.monitor.changed({".f.ctrl"}, ArrivalsMonitor::Clock::now());
    }
    REQUIRE(bench.monitor.left().size() == 1);
    CHECK_FALSE(bench.monitor.only_stuck());
    CHECK(bench.goes_on_until([&] { return bench.monitor.only_stuck(); }));
    CHECK(bench.monitor.left().empty());
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
}

TEST_CASE("a name that is taken ends a pass at once") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    test::write_file(site.delivered("f"), "another");
    site.send("hello", test::hello_control(".f.1.rcpt"));
    bench.scan();
    while (!bench.monitor.only_stuck()) {
        REQUIRE(site.is_told());
        bench.monitor.take_results();
    }
    const std::vector<ArrivalsMonitor::Left> left = bench.monitor.left();
    REQUIRE(left.size() == 1);
    CHECK(left[0].reason == "its name in the stream's directory is taken");
}

TEST_CASE("a pass does not end while data may still come, or is checked") {
    test::ReceivingSite site;
    MonitorBench bench(site);
    site.put(".f.ctrl", to_text(test::hello_control(".f.1.rcpt")));
    bench.scan();
    CHECK_FALSE(bench.monitor.only_stuck());
    site.put("f", "hello");
    bench.tick();
    CHECK_FALSE(bench.monitor.only_stuck());
    CHECK(bench.ends());
    CHECK(bench.monitor.only_stuck());
}

TEST_CASE("a crash while a file that was sent again gets its receipt leaves one receipt and no second file") {
    struct Row {
        const char* what;
        bool first_has_receipt;
        bool second_has_receipt;
        bool data_is_there;
    };
    constexpr std::array<Row, 4> rows{{
        {"the new job is in the journal", true, false, true},
        {"the second copy is removed", true, false, false},
        {"the receipt is the new job's", false, true, false},
        {"both have one", true, true, true},
    }};
    for (const Row& row : rows) {
        INFO(row.what);
        test::ReceivingSite site;
        {
            const Directory incoming(site.settings().incoming.directory);
            ArrivalJournal journal(incoming, site.log());
            const Receipt success{"f", ReceiptStatus::success, 5, test::hello_md5, ".f.thanks"};
            const auto begin = [&](const std::string& receipt_name, bool has_receipt) {
                const auto job = journal.begin(".f.ctrl", to_text(test::hello_control(receipt_name)));
                REQUIRE(job);
                REQUIRE((!has_receipt || journal.write_receipt(*job, to_text(success)) == 0));
            };
            begin(".f.1.rcpt", row.first_has_receipt);
            begin(".f.2.rcpt", row.second_has_receipt);
        }
        site.send("hello", test::hello_control(".f.2.rcpt"));
        if (!row.data_is_there) {
            std::filesystem::remove(site.incoming("f"));
        }
        MonitorBench bench(site);
        bench.monitor.recover(ArrivalsMonitor::Clock::now());
        bench.scan();
        CHECK(bench.ends());
        CHECK(site.status_in(".f.2.rcpt") == ReceiptStatus::success);
        CHECK(site.in_incoming() == Names{".f.2.rcpt"});
        CHECK(site.in_delivered().empty());  // it was sent on
        CHECK(site.in_journal().empty());
    }
}

}  // namespace mistamover::arrivals
