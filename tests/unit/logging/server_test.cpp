// SPDX-License-Identifier: BSD-3-Clause
#include "logging/server.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "log_test_support.hpp"
#include "logging/client.hpp"

namespace mistamover::logging {
namespace {

TEST_CASE("the server takes over the logging settings that the controller sends") {
    const test::TestDirectory directory;
    test::SocketPair sockets;
    test::SocketPair control;
    test::ServerProcess server(test::fork_process([&] {
        sockets.writer.reset();
        control.writer.reset();
        return run_log_server({sockets.reader.get(), control.reader.get()},
                              test::settings_for(directory.path() / "one"));
    }));
    LogSocket socket(sockets.writer.release(), LogSocket::WhenFull::wait);
    socket.send("a", LogLevel::info, "first");
    CHECK(test::eventually([&] { return test::texts_of(directory.path() / "one/a.log").size() == 1; }));

    const std::string text =
        config::serialize_settings({{"logging",
                                     {{"base_log_dir", {(directory.path() / "two").string()}},
                                      {"format", {"json"}},
                                      {"log_level", {"INFO"}}}}});
    REQUIRE(::send(control.writer.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    CHECK(test::eventually([&] {
        socket.send("a", LogLevel::info, "second");
        return test::read_file(directory.path() / "two/a.log").find("\"text\":\"second\"") !=
               std::string::npos;
    }));
}

}  // namespace
}  // namespace mistamover::logging
