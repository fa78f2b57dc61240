// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrival_journal.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "process/unique_fd.hpp"
#include "receiving_site.hpp"

namespace mistamover::arrivals {

TEST_CASE("two journals of one incoming directory would take each other's files: the second is refused") {
    const test::Scratch scratch;
    const Directory incoming(scratch.path());
    logging::LogSocket socket{-1, logging::LogSocket::WhenFull::wait};
    const logging::Logger log{socket, "arrmon_p", LogLevel::debug};
    std::optional<ArrivalJournal> first(std::in_place, incoming, log);
    CHECK_THROWS_AS(ArrivalJournal(incoming, log), std::runtime_error);
    first.reset();
    CHECK_NOTHROW(ArrivalJournal(incoming, log));
}

TEST_CASE("a receipt that cannot be read for now is not damaged: it is kept, and read the next time") {
    const test::ReceivingSite site;
    const Directory incoming(site.settings().incoming.directory);
    const Receipt success{"f", ReceiptStatus::success, 5, test::hello_md5, ".f.thanks"};
    {
        ArrivalJournal journal(incoming, site.log());
        const auto job = journal.begin(".f.ctrl", to_text(test::hello_control(".f.1.rcpt")));
        REQUIRE(job);
        REQUIRE(journal.write_receipt(*job, to_text(success)) == 0);
    }
    for (const char* name : {"1.receipt", "1.job"}) {
        INFO(name);
        // Who opens it would have to wait for this lease.
        const process::UniqueFd holder(::open(site.journal(name).c_str(), O_RDWR | O_CLOEXEC));
        std::signal(SIGIO, SIG_IGN);  // which tells that somebody waits
        REQUIRE(::fcntl(holder.get(), F_SETLEASE, F_WRLCK) == 0);
        ArrivalJournal journal(incoming, site.log());
        CHECK_THROWS_AS(journal.recover(), std::system_error);
        CHECK(site.in_journal() == std::set<std::string>{"1.job", "1.receipt"});
    }
    ArrivalJournal journal(incoming, site.log());
    const std::vector<ArrivalJournal::Job> jobs = journal.recover();
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].receipt == to_text(success));
    CHECK_FALSE(jobs[0].has_data);
}

}  // namespace mistamover::arrivals
