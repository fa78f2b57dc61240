// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <map>

#include "sftp/small_reads.hpp"
#include "sftp_fixture.hpp"

namespace mistamover::sftp {
namespace {

constexpr std::uint32_t regular_file = 0100644;
constexpr std::uint32_t directory = 040755;

struct Got final : GetSink {
    std::map<std::size_t, std::pair<StatusCode, std::string>> all;
    void got(std::size_t index, const Status& status, std::string_view data) noexcept override {
        CHECK(all.emplace(index, std::pair(status.code(), std::string(data))).second);
    }
};

/// What the server answers, in the order in which it is asked.
class Answers {
  public:
    Answers& file(std::uint64_t size, std::uint32_t mode = regular_file) {
        PacketWriter(output_, PacketType::attributes).number(++id_).attributes({size, mode, {}});
        return *this;
    }
    Answers& handle() { return text(PacketType::handle, "h"); }
    Answers& data(const char* bytes) { return text(PacketType::data, bytes); }
    Answers& status(std::uint32_t code) {
        PacketWriter(output_, PacketType::status).number(++id_).number(code).text("").text("");
        return *this;
    }
    [[nodiscard]] std::string bytes() const { return std::string(output_.view()); }

  private:
    Answers& text(PacketType type, const char* bytes) {
        PacketWriter(output_, type).number(++id_).text(bytes);
        return *this;
    }

    OutputBuffer output_;
    std::uint32_t id_ = 0;
};

/// Of files that are read at once, `answers` by the server.
Got read_all(std::size_t count, const Answers& answers) {
    test::QuietContext context;
    test::ScriptedChannel channel;
    Server server(channel, context);
    Got got;
    SmallReads reads(server, 5, got);
    for (std::size_t index = 0; index < count; ++index) {
        reads.begin(index, std::to_string(index));
    }
    channel.incoming = answers.bytes();
    server.pipeline().finish();
    return got;
}

}  // namespace

TEST_CASE("small files are read at once, each in as many pieces as the server gives") {
    const Got got = read_all(2, Answers()
                                    .file(5)
                                    .file(1)
                                    .handle()
                                    .handle()
                                    .data("hel")
                                    .data("x")
                                    .data("lo")
                                    .status(reply_code::ok)
                                    .status(reply_code::ok));
    CHECK(got.all.at(0) == std::pair(StatusCode::ok, std::string("hello")));
    CHECK(got.all.at(1) == std::pair(StatusCode::ok, std::string("x")));
}

TEST_CASE("nothing is opened that is no small file") {
    const Got got = read_all(3, Answers().file(6).file(1, directory).status(reply_code::no_such_file));
    CHECK(got.all.at(0).first == StatusCode::unsupported);
    CHECK(got.all.at(1).first == StatusCode::unsupported);
    CHECK(got.all.at(2).first == StatusCode::not_found);
}

TEST_CASE("what becomes of a file while it is read is taken as it is") {
    const Got shorter = read_all(
        1, Answers().file(5).handle().data("he").status(reply_code::end_of_file).status(reply_code::ok));
    CHECK(shorter.all.at(0) == std::pair(StatusCode::ok, std::string("he")));
    const Got longer = read_all(1, Answers().file(2).handle().data("hello").status(reply_code::ok));
    CHECK(longer.all.at(0) == std::pair(StatusCode::ok, std::string("he")));
    const Got empty = read_all(1, Answers().file(0).handle().status(reply_code::ok));
    CHECK(empty.all.at(0) == std::pair(StatusCode::ok, std::string()));
    const Got refused =
        read_all(1, Answers().file(5).handle().status(reply_code::permission_denied).status(reply_code::ok));
    CHECK(refused.all.at(0).first == StatusCode::permission);
}

}  // namespace mistamover::sftp
