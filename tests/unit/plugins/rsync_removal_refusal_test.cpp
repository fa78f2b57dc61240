// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cstddef>
#include <doctest/doctest.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "quiet_context.hpp"
#include "rsync/rsync_session.hpp"
#include "rsync_fixture.hpp"
#include "scratch.hpp"
#include "servers/rsyncd.hpp"

namespace mistamover::rsync::test {
namespace {

using mistamover::test::QuietContext;
using mistamover::test::read_file;
using mistamover::test::Rsyncd;
using mistamover::test::Scratch;
using mistamover::test::write_file;

// 0 where there is no such file.
std::ptrdiff_t number_of_lines(const std::filesystem::path& file) {
    const std::string lines = read_file(file);
    return std::count(lines.begin(), lines.end(), '\n');
}

// A server that deletes nothing: a real daemon, or a program that answers like a receiver which cannot be
// told what is missing, and refuses to delete by rules.
class Keeper {
  public:
    enum class Kind : unsigned char { daemon, by_rules };
    explicit Keeper(Kind kind) {
        std::filesystem::create_directory(target());
        if (kind == Kind::daemon) {
            rsyncd_.emplace(targets_.path(), "", "refuse options = delete");
            settings_.set("transport", "daemon");
            settings_.set("port", std::to_string(rsyncd_->port()));
            target_dir_ = "data/t";
        } else {
            settings_.set("transport", "local");
            settings_.set("cmd", write_program());
        }
        settings_.values.target_host = "127.0.0.1";
        settings_.values.target_dir = target_dir_;
        settings_.values.work_dir = work_dir_;
        shared_ = std::make_unique<Shared>(settings_.get());
        session_ = std::make_unique<RsyncSession>(*shared_, context_);
    }
    [[nodiscard]] std::filesystem::path target() const { return targets_ / "t"; }
    [[nodiscard]] Capabilities capabilities() const { return session_->call_capabilities(); }
    // How the remove of "f" and of "d/g" ended, by index.
    [[nodiscard]] std::map<std::size_t, Status> remove() const {
        class Ends final : public RemoveSink {
          public:
            void done(std::size_t index, const Status& status) noexcept override { ends[index] = status; }
            std::map<std::size_t, Status> ends;
        } sink;
        constexpr std::array<std::string_view, 2> paths{"f", "d/g"};
        const Status status = session_->call_remove(paths, sink);
        CHECK_MESSAGE(status.ok(), status.text());
        return sink.ends;
    }
    // How often it has been asked to delete by rules.
    [[nodiscard]] std::ptrdiff_t refusals() const { return number_of_lines(scratch_ / "refusals"); }

  private:
    [[nodiscard]] std::string write_program() const {
        std::string path = (scratch_ / "rsync").string();
        write_file(path, R"sh(#!/bin/sh
case " $* " in
*' --delete-missing-args '*)
    echo 'invalid file mode 00 for f [Receiver]' >&2
    exit 2;;
*' --delete-during '*)
    echo >> ')sh" + (scratch_ / "refusals").string() +
                             R"sh('
    echo '/usr/bin/rrsync error: option --delete-during has been disabled on this server.' >&2
    exit 12;;
esac
exec rsync "$@"
)sh");
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        return path;
    }

    Scratch scratch_;
    Scratch targets_;
    std::string work_dir_ = scratch_.path().string();
    std::string target_dir_ = target().string();
    std::optional<Rsyncd> rsyncd_;
    Settings settings_;
    QuietContext context_;
    std::unique_ptr<Shared> shared_;
    std::unique_ptr<RsyncSession> session_;
};

void check_are_kept(const std::map<std::size_t, Status>& ends) {
    REQUIRE(ends.size() == 2);
    for (const auto& [index, status] : ends) {
        CHECK(to_string(status.code()) == to_string(StatusCode::unsupported));
        CHECK(status.scope() == StatusScope::item);
    }
}

}  // namespace

TEST_CASE("a server that refuses to delete is known to do so before anything is removed") {
    const Keeper keeper(Keeper::Kind::daemon);
    CHECK_FALSE(keeper.capabilities().has(Capability::remove));
    CHECK(keeper.capabilities().has(Capability::list));
}

TEST_CASE("a session asks once whether the server deletes, though that does not come out") {
    const Scratch scratch;
    const std::string program = (scratch / "rsync").string();
    write_file(program, "#!/bin/sh\necho >> '" + (scratch / "asked").string() + "'\nexit 10\n");
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    const std::string work_dir = scratch.path().string();
    Settings settings;
    settings.set("transport", "daemon");
    settings.set("cmd", program);
    settings.values.target_host = "127.0.0.1";
    settings.values.target_dir = "data/t";
    settings.values.work_dir = work_dir;
    Shared shared(settings.get());
    QuietContext context;
    for (const std::ptrdiff_t sessions : {1, 2}) {
        RsyncSession session(shared, context);
        CHECK(session.call_capabilities().has(Capability::remove));
        CHECK(session.call_capabilities().has(Capability::remove));
        CHECK(number_of_lines(scratch / "asked") == sessions);
    }
}

TEST_CASE("a remove that the server refuses is unsupported, and not tried again") {
    for (const Keeper::Kind kind : {Keeper::Kind::daemon, Keeper::Kind::by_rules}) {
        CAPTURE(kind == Keeper::Kind::daemon);
        const Keeper keeper(kind);
        write_file(keeper.target() / "f", "x");
        write_file(keeper.target() / "d/g", "x");
        check_are_kept(keeper.remove());
        CHECK_FALSE(keeper.capabilities().has(Capability::remove));
        check_are_kept(keeper.remove());
        CHECK(std::filesystem::exists(keeper.target() / "f"));
        CHECK(std::filesystem::exists(keeper.target() / "d/g"));
        CHECK(keeper.refusals() == (kind == Keeper::Kind::by_rules ? 1 : 0));
    }
}

}  // namespace mistamover::rsync::test
