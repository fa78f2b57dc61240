// SPDX-License-Identifier: BSD-3-Clause
#include <cstdint>
#include <doctest/doctest.h>

#include "rsync/backlog.hpp"

namespace mistamover::rsync {
namespace {

constexpr std::uint64_t mebibyte = 1024UL * 1024;
constexpr std::uint64_t gibibyte = 1024 * mebibyte;

// An rsync that is looked at after every mebibyte.
class Sender {
  public:
    void send(std::uint64_t size) {
        backlog.note_line();
        for (std::uint64_t sent = 0; sent < size; sent += mebibyte) {
            backlog.note_read(read_ += mebibyte);
        }
    }
    Backlog backlog;

  private:
    std::uint64_t read_ = 0;
};

}  // namespace

TEST_CASE("without a line, all that was read may have to be worked on") {
    Backlog backlog;
    CHECK(backlog.bytes() == 0);
    backlog.note_read(3 * gibibyte);
    backlog.note_read(5 * gibibyte);
    CHECK(backlog.bytes() == 5 * gibibyte);
    backlog.note_read(0);  // as of a process that has gone
    CHECK(backlog.bytes() == 5 * gibibyte);
}

TEST_CASE("of a large file, all may have to be worked on, also when the next have begun") {
    Sender sender;
    sender.send(10 * gibibyte);
    CHECK(sender.backlog.bytes() == 10 * gibibyte);
    for (int i = 0; i < 100; ++i) {
        sender.send(mebibyte);
    }
    CHECK(sender.backlog.bytes() >= 10 * gibibyte + 100 * mebibyte);
}

TEST_CASE("what the other end has long since taken is not to be worked on") {
    Sender sender;
    sender.send(10 * gibibyte);
    for (int i = 0; i < 1000; ++i) {
        sender.send(mebibyte);
        CHECK(sender.backlog.bytes() > Backlog::most_on_its_way / 2);
    }
    CHECK(sender.backlog.bytes() < 3 * Backlog::most_on_its_way);
    sender.send(gibibyte);
    CHECK(sender.backlog.bytes() >= gibibyte);
    CHECK(sender.backlog.bytes() < gibibyte + 3 * Backlog::most_on_its_way);
}

TEST_CASE("a large file whose end is not known exactly is worked on to the end") {
    Backlog backlog;
    backlog.note_line();
    backlog.note_read(gibibyte);
    backlog.note_line();  // of the next, at any point since
    backlog.note_read(2 * gibibyte);
    backlog.note_read(2 * gibibyte + 100 * mebibyte);
    CHECK(backlog.bytes() == 2 * gibibyte + 100 * mebibyte);
    backlog.note_read(2 * gibibyte + 200 * mebibyte);
    CHECK(backlog.bytes() == gibibyte + 200 * mebibyte);
}

}  // namespace mistamover::rsync
