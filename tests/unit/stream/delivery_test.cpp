// SPDX-License-Identifier: BSD-3-Clause
#include "stream/delivery.hpp"

#include <algorithm>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "fake_session.hpp"
#include "mere_user.hpp"
#include "process/unique_fd.hpp"
#include "scratch.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

/// A stream's directory and a session to a fake target. Its files are nobody's, who works in it where the
/// test is run by root, to whom nothing is forbidden.
class Delivering {
  public:
    Delivering() {
        std::signal(SIGIO, SIG_IGN);  // a lease that is broken is told by it
        settings_.directory = scratch_.path();
        settings_.outgoing.stop_file = ".stop";
        settings_.outgoing.quarantine_dir = scratch_ / "quarantine";
        settings_.outgoing.directories = config::DirectoryForm::tree;
        settings_.outgoing.settle_time = std::chrono::milliseconds{0};
        if (::geteuid() == 0) {
            REQUIRE(::chown(scratch_.path().c_str(), test::MereUser::id, test::MereUser::id) == 0);
        }
        user_.emplace();
    }
    ~Delivering() {
        user_.reset();
        (void)::chmod(scratch_.path().c_str(), 0700);
    }
    Delivering(const Delivering&) = delete;
    Delivering& operator=(const Delivering&) = delete;

    [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return scratch_ / name; }
    BatchResult deliver(const std::vector<std::string>& names) {
        SourceDirectory source(settings_);
        SourceMark mark(scratch_ / "work", scratch_.path());
        Delivery delivery(source, settings_, session, ".temp", mark, names_, settling_, alias_, cancel_);
        std::vector<Candidate> batch;
        batch.reserve(names.size());
        for (const std::string& name : names) {
            batch.push_back({name, {}});
        }
        return delivery.deliver(batch, true);
    }

    [[nodiscard]] bool fails_to_recover() const {
        SourceDirectory source(settings_);
        try {
            (void)source.recover();
            return false;
        } catch (const std::system_error&) {
            return true;
        }
    }
    void mirror() {
        settings_.outgoing.mode = TransferMode::mirror;
        session.able = Capability::make_directory;
    }
    // The target is the stream's directory by another name.
    void lead_back() {
        session.is_there_too = [this](const std::string& name) {
            return std::filesystem::exists(std::filesystem::symlink_status(scratch_ / name));
        };
    }
    [[nodiscard]] bool has_probe() const {
        const std::filesystem::directory_iterator entries(scratch_.path());
        return std::any_of(begin(entries), end(entries), [](const auto& entry) {
            return entry.path().filename().string().starts_with(SourceDirectory::probe_prefix);
        });
    }

    test::FakeSession session;

  private:
    test::Scratch scratch_;
    std::optional<test::MereUser> user_;
    config::StreamSettings settings_;
    NameGuard::Shared names_;
    Settling settling_;
    AliasCheck::Shared alias_;
    CancelToken cancel_;
};

}  // namespace

TEST_CASE("the target is asked for a stop file only where something is ready to be sent") {
    Delivering stream;
    test::write_file(stream / "written", "half of it");
    const process::UniqueFd writer(::open((stream / "written").c_str(), O_WRONLY | O_CLOEXEC));
    const BatchResult waiting = stream.deliver({"written"});
    CHECK(waiting.session.ok());
    CHECK(waiting.units.at(0).outcome == Outcome::being_written);
    CHECK_FALSE(waiting.asked_for_stop);
    CHECK(stream.session.stats == 0);

    test::write_file(stream / "ready", "all of it");
    stream.session.target[".stop"] = {};
    const BatchResult stopped = stream.deliver({"written", "ready"});
    CHECK(stopped.session.ok());
    CHECK(stopped.asked_for_stop);
    CHECK(stopped.target_suspended);
    CHECK(stopped.units.at(0).outcome == Outcome::being_written);
    CHECK(stopped.units.at(1).outcome == Outcome::not_tried);
    CHECK(stream.session.calls.empty());

    stream.session.target.clear();
    const BatchResult sent = stream.deliver({"written", "ready"});
    CHECK(sent.units.at(1).outcome == Outcome::delivered);
    CHECK_FALSE(std::filesystem::exists(stream / "ready"));
}

TEST_CASE("what could not be deleted here is not sent") {
    Delivering stream;
    test::write_file(stream / "closed" / "file", "of a directory that nobody may change");
    REQUIRE(::chmod((stream / "closed").c_str(), 0555) == 0);
    BatchResult result;
    const bool is_settled = test::eventually([&] {  // as a directory must be for a while
        result = stream.deliver({"closed"});
        return result.units.at(0).outcome != Outcome::settling;
    });
    REQUIRE(::chmod((stream / "closed").c_str(), 0755) == 0);
    REQUIRE(is_settled);
    CHECK(result.session.ok());
    CHECK(result.units.at(0).outcome == Outcome::failed);
    CHECK(result.units.at(0).status.text().find("is not sent, since") != std::string_view::npos);
    CHECK(stream.session.calls.empty());
}

TEST_CASE("where nothing can be deleted nothing is sent, which counts against no unit") {
    Delivering stream;
    test::write_file(stream / "file", "content");
    REQUIRE(::chmod((stream / "").c_str(), 0555) == 0);
    const BatchResult result = stream.deliver({"file"});
    REQUIRE(::chmod((stream / "").c_str(), 0755) == 0);
    CHECK(result.session.scope() == StatusScope::session);
    CHECK(result.session.text().find("nothing can be deleted in") != std::string_view::npos);
    CHECK(result.units.at(0).outcome == Outcome::not_tried);
    CHECK(stream.session.calls.empty());
}

TEST_CASE("where nothing can be set aside nothing is sent, and what lies there already is not passed over") {
    Delivering stream;
    test::write_file(stream / "file", "content");
    test::write_file(stream / ".mistamover" / "hidden", "never sent");
    for (const mode_t mode : {mode_t{0000}, mode_t{0500}}) {
        CAPTURE(mode);
        REQUIRE(::chmod((stream / ".mistamover").c_str(), mode) == 0);
        const BatchResult result = stream.deliver({"file"});
        const bool is_told = mode != 0 || stream.fails_to_recover();
        REQUIRE(::chmod((stream / ".mistamover").c_str(), 0700) == 0);
        CHECK(is_told);
        CHECK(result.session.scope() == StatusScope::session);
        CHECK(result.session.text().find("/.mistamover: ") != std::string_view::npos);
        CHECK(result.units.at(0).outcome == Outcome::not_tried);
    }
    CHECK(stream.session.calls.empty());
    CHECK(stream.session.stats == 0);
}

TEST_CASE("what the module has taken was delivered, though the session failed before it could be proved") {
    Delivering stream;
    test::write_file(stream / "a", "content");
    test::write_file(stream / "b", "content");
    stream.session.takes = true;
    stream.session.on_put = [&](const PutItem& item) {
        if (item.path == "a") {
            std::filesystem::remove(stream / "a");
        }
    };
    stream.session.failures["b"] = {StatusCode::cancelled, StatusScope::session, "cancelled"};
    const BatchResult result = stream.deliver({"a", "b"});
    CHECK(result.session.code() == StatusCode::cancelled);
    CHECK(result.units.at(0).outcome == Outcome::delivered);
    CHECK(result.units.at(1).outcome == Outcome::not_tried);
    CHECK(test::read_file(stream / "b") == "content");
}

TEST_CASE("a target that is the stream's own directory by another name is sent nothing") {
    Delivering stream;
    test::write_file(stream / "file", "the only copy");
    std::filesystem::create_symlink("nowhere", stream / "link");
    stream.lead_back();
    std::vector<std::string> batch;
    SUBCASE("a file") {
        batch = {"file", "link"};
    }
    SUBCASE("a link alone, which a module may not find") {
        batch = {"link"};
    }
    for (int times = 0; times < 2; ++times) {
        const BatchResult result = stream.deliver(batch);
        CHECK(result.session.scope() == StatusScope::stream);
        CHECK(result.session.code() == StatusCode::configuration);
        CHECK(result.session.text().find("the stream's own directory") != std::string_view::npos);
        CHECK_FALSE(result.used_target);
        for (const UnitResult& unit : result.units) {
            CHECK(unit.outcome == Outcome::not_tried);
        }
    }
    CHECK(stream.session.calls.empty());
    CHECK(test::read_file(stream / "file") == "the only copy");
    CHECK(std::filesystem::is_symlink(stream / "link"));
    CHECK_FALSE(stream.has_probe());
}

TEST_CASE("a target that comes to be the stream's own directory is found out with the next stop file") {
    Delivering stream;
    for (const char* name : {"a", "b"}) {
        test::write_file(stream / name, "new");
        stream.session.target[name] = {};
    }
    CHECK(stream.deliver({"a"}).units.at(0).outcome == Outcome::delivered);
    constexpr std::size_t stop_file_probe_and_proof = 3;
    CHECK(stream.session.stats == stop_file_probe_and_proof);
    CHECK(stream.session.calls == std::vector<std::string>{"put a"});
    CHECK_FALSE(stream.has_probe());

    stream.lead_back();  // as where the target's host mounts it late
    stream.session.target.clear();
    SUBCASE("") {}
    SUBCASE("even if the name of a unit is not found there") {
        stream.session.failures["b"] = {StatusCode::not_found, StatusScope::item, "so it was a second ago"};
    }
    const BatchResult result = stream.deliver({"b"});
    CHECK(result.session.scope() == StatusScope::stream);
    CHECK(result.units.at(0).outcome == Outcome::not_tried);
    CHECK(test::read_file(stream / "b") == "new");
}

TEST_CASE("a mirror onto the stream's own directory deletes nothing that comes there") {
    Delivering stream;
    stream.mirror();
    stream.session.on_make_directory = [&](const std::string& name) {
        std::filesystem::create_directory(stream / name);
    };
    const BatchResult result = stream.deliver({"."});
    CHECK(result.session.scope() == StatusScope::stream);
    CHECK(result.session.text().find("the stream's own directory") != std::string_view::npos);
    CHECK(stream.session.calls == std::vector<std::string>{"make .temp", "remove .temp"});
    CHECK_FALSE(stream.has_probe());
}

}  // namespace mistamover::stream
