// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrival_answers.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>

#include "no_digests.hpp"
#include "no_more_files.hpp"
#include "process/unique_fd.hpp"
#include "receiving_site.hpp"

namespace mistamover::arrivals {
namespace {

// Carries one arrival on, step by step.
struct AnswersBench {
    explicit AnswersBench(test::ReceivingSite& receiving) : site(receiving) {
        arrival.control_file = ".f.ctrl";
        arrival.control = test::hello_control(".f.1.rcpt");
        arrival.control_text = to_text(arrival.control);
    }

    // One step of a thread, and what follows from it.
    void go_on(bool may_open = true) {
        {
            std::optional<test::NoMoreFiles> none;
            if (!may_open) {
                none.emplace();
            }
            answers.hand_over();
            REQUIRE(site.is_told());
        }
        answers.take_results();
    }
    void try_again() {
        if (arrival.state == Arrival::State::answering) {
            answers.carry_out(arrival);
        }
    }
    void go_on_to_the_end() {
        for (try_again(); arrival.state != Arrival::State::answered; try_again()) {
            go_on();
        }
    }

    test::ReceivingSite& site;
    Directory incoming{site.settings().incoming.directory};
    Directory delivered{site.settings().directory};
    LastError last_error{site.log()};
    Arrival arrival;
    ArrivalAnswers answers{site.settings().incoming,
                           site.log(),
                           last_error,
                           incoming,
                           delivered,
                           [](const Control&) { return true; },
                           site.on_result()};
};

// What a process that ended after it had delivered "f" has left.
void leave_delivered(const test::ReceivingSite& site) {
    const Directory incoming(site.settings().incoming.directory);
    ArrivalJournal journal(incoming, site.log());
    const auto job = journal.begin(".f.ctrl", to_text(test::hello_control(".f.1.rcpt")));
    REQUIRE(job);
    const Receipt success{"f", ReceiptStatus::success, 5, test::hello_md5, ".f.thanks"};
    REQUIRE(journal.write_receipt(*job, to_text(success)) == 0);
}

// To be called where nothing has been taken or is known of the arrival.
void resume_left(AnswersBench& bench) {
    const std::vector<ArrivalJournal::Job> jobs = bench.answers.recover();
    REQUIRE(jobs.size() == 1);
    bench.arrival.job = jobs[0].number;
    bench.arrival.has_data = jobs[0].has_data;
    bench.arrival.receipt = parse_receipt(*jobs[0].receipt);
    bench.arrival.receipt_written = true;
    bench.answers.resume(bench.arrival);
}

}  // namespace

TEST_CASE("a machine that has no descriptors for a while refuses nothing, whatever it is doing") {
    // Its own checksum, its renaming, the checksum of what has its name, and writing that to the disk.
    for (int step = 0; step < 4; ++step) {
        INFO(step);
        test::ReceivingSite site;
        test::write_file(site.delivered("f"), "hello");
        site.send("hello", test::hello_control(".f.1.rcpt"));
        AnswersBench bench(site);
        CHECK(bench.answers.recover().empty());
        bench.answers.take(bench.arrival);
        for (int before = 0; before < step; ++before) {
            bench.go_on();
        }
        bench.go_on(false);
        CHECK(bench.arrival.state == Arrival::State::answering);
        CHECK(bench.last_error.text().ends_with(": Too many open files"));
        CHECK(site.in_incoming() == std::set<std::string>{".f.ctrl"});
        bench.go_on_to_the_end();
        CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
        CHECK(site.in_incoming() == std::set<std::string>{".f.1.rcpt"});
        CHECK(site.in_delivered() == std::set<std::string>{"f"});
        CHECK(site.in_journal().empty());
    }
}

TEST_CASE(
    "a file sent again is kept until the one that is there is on the disk, or delivered where that went") {
    for (const bool goes : {false, true}) {
        INFO(goes);
        test::ReceivingSite site;
        test::write_file(site.delivered("f"), "hello");
        site.send("hello", test::hello_control(".f.1.rcpt"));
        AnswersBench bench(site);
        CHECK(bench.answers.recover().empty());
        bench.answers.take(bench.arrival);
        for (int step = 0; step < 3; ++step) {
            bench.go_on();  // its checksum, its renaming, the checksum of what has its name
        }
        {
            const process::UniqueFd holder(::open(site.delivered("f").c_str(), O_RDWR | O_CLOEXEC));
            std::signal(SIGIO, SIG_IGN);  // which tells that somebody waits
            REQUIRE(::fcntl(holder.get(), F_SETLEASE, F_WRLCK) == 0);
            bench.go_on();
            CHECK(bench.arrival.state == Arrival::State::answering);
            CHECK(bench.last_error.text().ends_with("written to the disk: Resource temporarily unavailable"));
            CHECK(site.in_incoming() == std::set<std::string>{".f.ctrl"});
            CHECK(site.in_journal().contains("1.data"));
        }
        if (goes) {
            std::filesystem::remove(site.delivered("f"));
        }
        bench.go_on_to_the_end();
        CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
        CHECK(test::read_file(site.delivered("f")) == "hello");
        CHECK(site.in_delivered() == std::set<std::string>{"f"});
        CHECK(site.in_journal().empty());
    }
}

TEST_CASE("where OpenSSL refuses the algorithm that is told, and the file is answered once it does not") {
    // Its own checksum, or that of what has its name.
    for (const bool is_second : {false, true}) {
        INFO(is_second);
        test::ReceivingSite site;
        if (is_second) {
            test::write_file(site.delivered("f"), "hello");
        }
        site.send("hello", test::hello_control(".f.1.rcpt"));
        AnswersBench bench(site);
        CHECK(bench.answers.recover().empty());
        bench.answers.take(bench.arrival);
        if (is_second) {
            bench.go_on();
            bench.go_on();
            REQUIRE(bench.arrival.state == Arrival::State::comparing);
        }
        {
            const test::NoDigests refused;
            bench.go_on();
        }
        CHECK(bench.arrival.state == Arrival::State::answering);
        CHECK(bench.last_error.text().ends_with(": this machine's OpenSSL refuses to compute md5"));
        bench.go_on_to_the_end();
        CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    }
}

TEST_CASE("an earlier receipt that cannot be read for now does not cost a file its own") {
    test::ReceivingSite site;
    const Receipt refusal{"f", ReceiptStatus::bad_checksum, 5, test::hullo_md5, ".f.thanks"};
    test::write_file(site.incoming(".f.1.rcpt"), to_text(refusal));
    site.send("hello", test::hello_control(".f.1.rcpt"));
    AnswersBench bench(site);
    CHECK(bench.answers.recover().empty());
    bench.arrival.control_identity = bench.incoming.look(".f.ctrl");
    bench.answers.take(bench.arrival);
    bench.go_on();
    bench.answers.hand_over();
    REQUIRE(site.is_told());
    {
        const test::NoMoreFiles none;
        bench.answers.take_results();
    }
    CHECK(bench.arrival.state == Arrival::State::answering);
    CHECK(bench.last_error.text() == "f cannot be answered: Too many open files");
    bench.go_on_to_the_end();
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
    CHECK(site.in_delivered() == std::set<std::string>{"f"});
    CHECK(site.in_journal().empty());
}

TEST_CASE("a receipt in the journal is not believed either where the data cannot be read for now") {
    test::ReceivingSite site;
    const Control announced = test::hello_control(".f.1.rcpt");
    site.send("hullo", announced);
    {
        const Directory incoming(site.settings().incoming.directory);
        ArrivalJournal journal(incoming, site.log());
        const auto job = journal.begin(".f.ctrl", to_text(announced));
        REQUIRE(job);
        REQUIRE(journal.take_data(*job, "f") == 0);
        const Receipt success{"f", ReceiptStatus::success, 5, test::hello_md5, ".f.thanks"};
        REQUIRE(journal.write_receipt(*job, to_text(success)) == 0);
    }
    AnswersBench bench(site);
    resume_left(bench);
    bench.go_on(false);
    CHECK(bench.arrival.state == Arrival::State::answering);
    bench.go_on_to_the_end();
    CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::bad_checksum);
    CHECK(site.in_delivered().empty());
    CHECK(site.in_journal().empty());
}

TEST_CASE("what has become of a delivered file's name is no failure of the disk") {
    for (const std::string kind : {"nothing", "link", "socket", "locked"}) {
        INFO(kind);
        test::ReceivingSite site;
        const std::filesystem::path path = site.delivered("f");
        if (kind == "link") {
            std::filesystem::create_symlink("elsewhere", path);
        } else if (kind == "socket") {
            REQUIRE(::mknod(path.c_str(), S_IFSOCK | 0600, 0) == 0);
        } else if (kind == "locked") {
            test::write_file(path, "hello");
            std::filesystem::permissions(path, std::filesystem::perms::none);  // not for root
        }
        leave_delivered(site);
        AnswersBench bench(site);
        resume_left(bench);
        bench.go_on_to_the_end();
        CHECK(site.status_in(".f.1.rcpt") == ReceiptStatus::success);
        CHECK(site.in_journal().empty());
    }
}

}  // namespace mistamover::arrivals
