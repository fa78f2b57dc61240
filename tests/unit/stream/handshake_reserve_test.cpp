// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_reserve.hpp"

#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <iterator>
#include <sys/stat.h>
#include <system_error>

#include "full_disk.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"
#include "stream/handshake_journal.hpp"

namespace mistamover::stream {
namespace {

using test::FullDisk;
using test::read_file;
using test::Scratch;
using test::write_file;

process::UniqueFd open_directory(const Scratch& scratch) {
    return process::UniqueFd(::open(scratch.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::size_t files_in(const std::filesystem::path& directory) {
    using Walk = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(Walk(directory), Walk()));
}

// What one process knows of a stream that is sent by the arrivals protocol.
class Sending {
  public:
    explicit Sending(const FullDisk& disk)
        : settings_([&] {
              config::StreamSettings made;
              made.directory = disk.path();
              made.outgoing.control_file_extension = "ctrl";
              made.outgoing.quarantine_dir = disk.path() / "quarantine";
              made.outgoing.target_uses_arrival_monitor = true;
              return made;
          }()) {
        journal.tidy();
    }

  private:
    config::StreamSettings settings_;

  public:
    const SourceDirectory source{settings_};
    const HandshakeJournal journal{source, settings_.outgoing};
    const HandshakeReserve& reserve = source.handshake_reserve();
};

arrivals::Control control_number(std::size_t number) {
    const std::string name = "f" + std::to_string(number);
    return {name, 5, "sum", '.' + name + ".1.00.rcpt"};
}

}  // namespace

TEST_CASE("the reserve has files of one block, gives each away once, and takes back what it lacks") {
    const Scratch scratch;
    const process::UniqueFd directory = open_directory(scratch);
    HandshakeReserve reserve(directory.get());
    const std::filesystem::path drafts = scratch / HandshakeReserve::directory_name;
    reserve.fill();
    CHECK(reserve.size() == HandshakeReserve::most);
    CHECK(files_in(drafts) == HandshakeReserve::most);

    for (std::size_t number = 0; number < HandshakeReserve::most; ++number) {
        CHECK(reserve.take("f" + std::to_string(number)));
    }
    const int error = reserve.take("one more") ? 0 : errno;
    CHECK(error == ENOSPC);
    struct stat info {};
    REQUIRE(::lstat((scratch / "f0").c_str(), &info) == 0);
    CHECK(info.st_blocks > 0);
    CHECK(info.st_size == 4096);

    reserve.remove("f0");
    CHECK(reserve.size() == 1);
    CHECK(files_in(drafts) == 1);
    CHECK_FALSE(std::filesystem::exists(scratch / "f0"));
    // What has no block, or is somebody else's too.
    write_file(scratch / "empty", "");
    std::filesystem::create_hard_link(scratch / "f1", scratch / "link");
    std::filesystem::create_symlink("f2", scratch / "symbolic");
    for (const char* name : {"empty", "f1", "symbolic", "missing"}) {
        reserve.remove(name);
        CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(scratch / name)));
    }
    CHECK(std::filesystem::exists(scratch / "link"));
    CHECK(reserve.size() == 1);

    reserve.fill();
    reserve.remove("f2");
    CHECK_FALSE(std::filesystem::exists(scratch / "f2"));
    CHECK(files_in(drafts) == HandshakeReserve::most);
}

TEST_CASE("a reserve that was taken away by somebody else is found missing, and made again") {
    const Scratch scratch;
    const process::UniqueFd directory = open_directory(scratch);
    HandshakeReserve reserve(directory.get());
    reserve.fill();
    std::filesystem::remove_all(scratch / HandshakeReserve::directory_name);
    CHECK_FALSE(reserve.take("f"));
    CHECK(reserve.size() == 0);
    reserve.fill();
    CHECK(files_in(scratch / HandshakeReserve::directory_name) == HandshakeReserve::most);
    CHECK(reserve.take("f"));
}

TEST_CASE("on a full disk the journal and its drafts are made of the reserve, which gets them back") {
    if (!test::may_mount()) {
        return;
    }
    const FullDisk disk;
    const Sending sending(disk);
    disk.fill();
    sending.journal.check_room();
    CHECK(sending.reserve.size() == HandshakeReserve::most);
    CHECK(sending.journal.room() == HandshakeReserve::most);

    constexpr std::size_t written = HandshakeReserve::most - 1;
    for (std::size_t number = 0; number < written; ++number) {
        const ManifestEntry entry = sending.journal.write(control_number(number));
        const std::filesystem::path file = disk.path() / entry.path;
        CHECK(read_file(file) == to_text(control_number(number)));
        CHECK(entry.identity.size == std::filesystem::file_size(file));
    }
    CHECK(sending.journal.all().size() == written);
    CHECK(sending.reserve.size() == 1);
    CHECK_THROWS_AS(sending.journal.check_room(), std::system_error);  // a unit may need two
    const ManifestEntry draft = sending.journal.write_draft(".thanks", {".f.1.00.rcpt"});
    CHECK(read_file(sending.journal.drafts_directory() / ".thanks") ==
          to_text(arrivals::ThankYou{".f.1.00.rcpt"}));
    CHECK(draft.path == ".thanks");
    CHECK_THROWS_AS(sending.journal.write(control_number(written)), std::system_error);
    CHECK(sending.journal.all().size() == written);

    sending.journal.remove_draft(".thanks");
    for (std::size_t number = 0; number < written; ++number) {
        sending.journal.remove(control_number(number), false);
    }
    CHECK(sending.journal.all().empty());
    CHECK(sending.reserve.size() == HandshakeReserve::most);
    CHECK(files_in(sending.journal.drafts_directory()) == HandshakeReserve::most);
    // Each has its block still, though what it held was shorter.
    for (std::size_t number = 0; number < HandshakeReserve::most; ++number) {
        CHECK_NOTHROW(sending.journal.write(control_number(number)));
    }
}

TEST_CASE("on a full disk the reserve outlives its process, with what a crash has left of it") {
    if (!test::may_mount()) {
        return;
    }
    const FullDisk disk;
    {
        const Sending crashed(disk);
        disk.fill();
        crashed.journal.write(control_number(0));
        crashed.journal.write_draft(control_number(1));
    }
    const Sending next(disk);
    const std::filesystem::path drafts = next.journal.drafts_directory();
    CHECK(next.reserve.size() == HandshakeReserve::most - 1);
    CHECK(files_in(drafts) == HandshakeReserve::most - 1);
    next.journal.remove(control_number(0), false);
    CHECK(next.reserve.size() == HandshakeReserve::most);

    next.journal.leave();
    CHECK(files_in(drafts) == HandshakeReserve::most);
    std::filesystem::remove(disk.ballast());
    next.journal.leave();
    CHECK_FALSE(std::filesystem::exists(drafts));
}

}  // namespace mistamover::stream
