// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "quiet_context.hpp"
#include "rsync/own_files.hpp"
#include "rsync/rsync_session.hpp"
#include "rsync_fixture.hpp"
#include "scratch.hpp"

namespace mistamover::rsync::test {
namespace {

using mistamover::test::QuietContext;
using mistamover::test::read_file;
using mistamover::test::Scratch;
using mistamover::test::write_file;

constexpr std::string_view password_name = "rsync-password";

class Receipts final : public GetSink {
  public:
    void got(std::size_t index, const Status& status, std::string_view data) noexcept override {
        answers[index] = {status, std::string(data)};
    }
    std::map<std::size_t, std::pair<Status, std::string>> answers;
};

// A module whose target is a directory of this machine, and one session of it.
class Reader {
  public:
    // `oddity`: what the shell does where the program that it stands for is to fetch; $last is the local
    // directory.
    explicit Reader(const std::string& oddity = "") {
        const std::string program = (scratch_ / "rsync").string();
        write_file(program, "#!/bin/sh\nfor last; do :; done\ncase \" $* \" in\n*' --max-size='*)\n" +
                                oddity + "\n;;\nesac\nexec rsync \"$@\"\n");
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        std::filesystem::create_directory(work_dir_);
        settings_.set("transport", "local");
        settings_.set("cmd", program);
        settings_.values.target_dir = target_dir_;
        settings_.values.work_dir = work_dir_;
        shared_ = std::make_unique<Shared>(settings_.get());
        session_ = std::make_unique<RsyncSession>(*shared_, context_);
    }
    [[nodiscard]] std::filesystem::path target() const { return target_.path(); }
    [[nodiscard]] std::filesystem::path work_dir() const { return work_dir_; }
    // Asks for "a" and "b".
    Status read(Receipts& receipts) const {
        constexpr std::array<std::string_view, 2> names{"a", "b"};
        return session_->call_get_many(names, 1000, receipts);
    }

  private:
    Scratch scratch_;
    Scratch target_;
    std::string work_dir_ = (scratch_ / "work").string();
    std::string target_dir_ = target_.path().string();
    Settings settings_;
    QuietContext context_;
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<RsyncSession> session_;
};

void check_is_of_this_machine(const Status& status) {
    INFO(status.text());
    CHECK_FALSE(status.ok());
    CHECK(status.scope() == StatusScope::session);
    CHECK(status.text().find("on this machine") != std::string_view::npos);
}

// Of a daemon with a password.
Settings daemon_settings(std::string_view work_dir) {
    Settings settings;
    settings.set("transport", "daemon");
    settings.set("username", "mover");
    settings.set("password", "sesame");
    settings.values.target_dir = "data";
    settings.values.work_dir = work_dir;
    return settings;
}

}  // namespace

TEST_CASE("a directory in the place of a small file costs the others nothing") {
    const Reader reader;
    std::filesystem::create_directory(reader.target() / "a");
    write_file(reader.target() / "b", "content");
    Receipts receipts;
    CHECK(reader.read(receipts).ok());
    REQUIRE(receipts.answers.size() == 2);
    CHECK(receipts.answers[0].first.code() == StatusCode::unsupported);
    CHECK(receipts.answers[1].first.ok());
    CHECK(receipts.answers[1].second == "content");
    CHECK_FALSE(std::filesystem::exists(reader.work_dir() / "fetched-0"));
}

TEST_CASE("a work directory that is full, or has gone, is the session's failure, and no file's") {
    std::string oddity;
    bool gone = false;
    SUBCASE("full, as rsync tells of a file") {
        oddity =
            R"sh(echo "rsync: [receiver] mkstemp \"${last}.a.aB3dE6\" failed: No space left on device (28)" >&2
exit 23)sh";
    }
    SUBCASE("full, as rsync ends with") {
        oddity = R"sh(echo "rsync: [receiver] write failed on \"${last}a\": No space left on device (28)" >&2
exit 11)sh";
    }
    SUBCASE("gone") {
        gone = true;
    }
    const Reader reader(oddity);
    write_file(reader.target() / "a", "content");
    if (gone) {
        std::filesystem::remove_all(reader.work_dir());
    }
    Receipts receipts;
    const Status status = reader.read(receipts);
    check_is_of_this_machine(status);
    CHECK((gone || status.code() == StatusCode::no_space));
    CHECK(receipts.answers.empty());
}

TEST_CASE("what the target denies is the file's own") {
    const Reader reader(
        R"(echo 'rsync: [sender] send_files failed to open "/t/a": Permission denied (13)' >&2
exit 23)");
    write_file(reader.target() / "a", "content");
    Receipts receipts;
    CHECK(reader.read(receipts).ok());
    CHECK(receipts.answers[0].first.scope() == StatusScope::item);
    CHECK(receipts.answers[1].first.code() == StatusCode::not_found);
}

TEST_CASE("what cannot be made in the work directory is a session's failure, and made for a later one") {
    const Scratch scratch;
    const std::string work_dir = (scratch / "work").string();
    Shared shared(daemon_settings(work_dir).get());
    QuietContext context;
    Status failure;
    try {
        const RsyncSession session(shared, context);
    } catch (const StatusError& error) {
        failure = error.status();
    }
    check_is_of_this_machine(failure);
    std::filesystem::create_directory(work_dir);
    const RsyncSession session(shared, context);
    const std::filesystem::path file = std::filesystem::path(work_dir) / password_name;
    CHECK(read_file(file) == "sesame\n");
    CHECK(std::filesystem::status(file).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a password is on the disk no longer than its module, and none of an earlier process stays") {
    const Scratch scratch;
    const std::string work_dir = scratch.path().string();
    const std::filesystem::path file = scratch.path() / password_name;
    write_file(file, "of an earlier process\n");
    std::optional<Shared> shared(std::in_place, daemon_settings(work_dir).get());
    CHECK_FALSE(std::filesystem::exists(file));
    shared->make_files();
    shared->make_files();
    CHECK(read_file(file) == "sesame\n");
    shared.reset();
    CHECK_FALSE(std::filesystem::exists(file));
}

}  // namespace mistamover::rsync::test
