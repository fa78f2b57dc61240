// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover {
namespace {

enum class Deed : std::uint8_t { nothing, status, exception, no_exception };

void act(Deed deed) {
    switch (deed) {
        case Deed::nothing:
            return;
        case Deed::status:
            throw StatusError(Status(StatusCode::authentication, StatusScope::stream, "wrong password", 530));
        case Deed::exception:
            throw std::runtime_error("broken");
        case Deed::no_exception:
            throw 3;  // NOLINT(hicpp-exception-baseclass)
    }
}

class ThrowingSession final : public Session {
  public:
    explicit ThrowingSession(Deed deed) : deed_(deed) {}
    Capabilities capabilities() override {
        act(deed_);
        return Capability::list;
    }
    Status put(const PutRequest&, PutSink&) override {
        act(deed_);
        return {};
    }
    Status stat(std::span<const std::string_view>, StatSink&) override { return {}; }
    Status get_small(std::string_view, std::uint64_t, BytesSink&) override { return {}; }

  private:
    Deed deed_;
};

// Its get_many ends as `end`, and answers where it is told to.
class ManySession final : public Session {
  public:
    explicit ManySession(const Status& end, const Status* answer) : end_(end), answer_(answer) {}
    Capabilities capabilities() override { return Capability::get_many; }
    Status put(const PutRequest&, PutSink&) override { return {}; }
    Status stat(std::span<const std::string_view>, StatSink&) override { return {}; }
    Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) override {
        return get_one_of_many(path, limit, sink);
    }
    Status get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) override {
        if (answer_ != nullptr) {
            sink.got(0, *answer_, std::string(paths[0]) + std::to_string(limit));
        }
        return end_;
    }

  private:
    Status end_;
    const Status* answer_;
};

class Bytes final : public BytesSink {
  public:
    void bytes(std::string_view data) noexcept override { text += data; }
    std::string text;
};

class OneModule final : public TransferModule {
  public:
    explicit OneModule(Deed deed) : deed_(deed) {}
    std::unique_ptr<Session> open_session(SessionContext&) override {
        act(deed_);
        return nullptr;
    }

  private:
    Deed deed_;
};

class NoContext final : public SessionContext {
  public:
    void log(LogLevel, std::string_view) noexcept override {}
    [[nodiscard]] bool cancelled() const noexcept override { return false; }
    [[nodiscard]] int cancel_fd() const noexcept override { return -1; }
    [[nodiscard]] std::int64_t stall_timeout_ms() const noexcept override { return 0; }
    void acquire(std::uint64_t) noexcept override {}
    void progress(std::uint64_t) noexcept override {}
};

class NoSink final : public PutSink {
  public:
    void done(std::size_t, const Status&, const PutReport&) noexcept override {}
};

Status put_with(Deed deed) {
    ThrowingSession session(deed);
    NoSink sink;
    return session.call_put({}, sink);
}

Status open_with(Deed deed) {
    OneModule module(deed);
    NoContext context;
    ThrowingSession stale(Deed::nothing);
    border::Session* session = &stale;
    const Status status = module.call_open_session(context, session);
    CHECK(session == nullptr);
    return status;
}

}  // namespace

TEST_CASE("no exception leaves a session; each becomes a status") {
    CHECK(put_with(Deed::nothing).ok());
    const Status own = put_with(Deed::status);
    CHECK(own.code() == StatusCode::authentication);
    CHECK(own.scope() == StatusScope::stream);
    CHECK(own.protocol_code() == 530);
    const Status other = put_with(Deed::exception);
    CHECK(other.code() == StatusCode::internal);
    CHECK(other.scope() == StatusScope::item);
    CHECK(other.text() == "broken");
    CHECK(put_with(Deed::no_exception).code() == StatusCode::internal);
    ThrowingSession session(Deed::exception);
    CHECK(session.call_capabilities().bits() == 0);
}

TEST_CASE("a failure to open a session is never an item's") {
    CHECK(open_with(Deed::status).scope() == StatusScope::stream);
    CHECK(open_with(Deed::exception).scope() == StatusScope::session);
    CHECK(open_with(Deed::no_exception).scope() == StatusScope::session);
    const Status none = open_with(Deed::nothing);
    CHECK(none.code() == StatusCode::internal);
    CHECK(none.scope() == StatusScope::session);
}

TEST_CASE("one small file is got as many are, and a missing answer is no file") {
    const Status ok;
    const Status missing(StatusCode::not_found, StatusScope::item, "is not there");
    const Status broken(StatusCode::connection_lost, StatusScope::session, "broken");
    Bytes got;
    CHECK(ManySession(ok, &ok).call_get_small("f", 7, got).ok());
    CHECK(got.text == "f7");
    Bytes nothing;
    CHECK(ManySession(ok, &missing).call_get_small("f", 7, nothing).code() == StatusCode::not_found);
    CHECK(ManySession(broken, nullptr).call_get_small("f", 7, nothing).scope() == StatusScope::session);
    CHECK(ManySession(ok, nullptr).call_get_small("f", 7, nothing).code() == StatusCode::internal);
    CHECK(nothing.text.empty());
}

TEST_CASE("what a session does not implement is unsupported") {
    ThrowingSession session(Deed::nothing);
    CHECK(session.call_rename("a", "b").code() == StatusCode::unsupported);
    CHECK(session.call_make_directory("a").code() == StatusCode::unsupported);
    std::uint64_t bytes = 0;
    CHECK(session.call_free_space(bytes).code() == StatusCode::unsupported);
}

}  // namespace mistamover
