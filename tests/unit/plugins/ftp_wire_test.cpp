// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_wire.hpp"

#include <Poco/Net/ServerSocket.h>
#include <array>
#include <doctest/doctest.h>
#include <thread>

#include "ftp/ftp_tls.hpp"
#include "ftp_talker.hpp"
#include "module_settings.hpp"
#include "quiet_context.hpp"

namespace mistamover::ftp {
namespace {

using namespace std::chrono_literals;

FtpOptions options_with_tls() {
    test::SettingsOfModule settings(option_specs);
    settings.set("tls", "explicit");
    return FtpOptions(settings.get());
}

}  // namespace

TEST_SUITE_BEGIN("ftp_wire");

TEST_CASE("a server that ends in the middle of the TLS handshake is a lost connection") {
    const TlsClient tls(options_with_tls());
    Poco::Net::ServerSocket listener(Poco::Net::SocketAddress("127.0.0.1", 0));
    test::QuietContext context;
    Wire wire(listener.address(), context, 60s);
    const std::jthread server([&] {
        Poco::Net::StreamSocket accepted = listener.acceptConnection();
        std::array<char, 4096> hello{};
        (void)accepted.receiveBytes(hello.data(), static_cast<int>(hello.size()));
    });
    Status failure;
    try {
        wire.start_tls(tls, nullptr);
    } catch (const StatusError& error) {
        failure = error.status();
    }
    CHECK(failure.code() == StatusCode::connection_lost);
    CHECK(failure.scope() == StatusScope::session);
}

TEST_CASE("the control connection is kept alive through firewalls, unless the operator does without") {
    for (const bool wanted : {true, false}) {
        test::FtpTalk talk("none", {});
        CHECK(talk.options.keep_alive);
        talk.options.keep_alive = wanted;
        Control control(talk.options, talk.tls, talk.context, false);
        CHECK(control.wire().socket().getKeepAlive() == wanted);
    }
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
