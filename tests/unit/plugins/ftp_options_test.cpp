// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_options.hpp"

#include <doctest/doctest.h>

#include "module_settings.hpp"
#include "scratch.hpp"

namespace mistamover::ftp {
namespace {

using test::SettingsOfModule;

bool refuses(SettingsOfModule& settings, const std::string& with) {
    try {
        const FtpOptions options(settings.get());
        return false;
    } catch (const StatusError& error) {
        CHECK(error.status().code() == StatusCode::configuration);
        CHECK(error.status().scope() == StatusScope::stream);
        return std::string(error.what()).find(with) != std::string::npos;
    }
}

FtpOptions options_with(const std::string& name, const std::string& value) {
    SettingsOfModule settings(option_specs);
    settings.set(name, value);
    return FtpOptions(settings.get());
}

}  // namespace

TEST_SUITE_BEGIN("ftp_options");

TEST_CASE("the defaults are an anonymous login in the clear and passive connections") {
    SettingsOfModule settings(option_specs);
    const FtpOptions options(settings.get());
    CHECK(options.username == "anonymous");
    CHECK(options.tls == Tls::none);
    CHECK(options.port == 21);
    CHECK(options.passive);
    CHECK(options.verify_peer);
    CHECK_FALSE(options.limited_bandwidth);
    settings.values.bandwidth_limit = 1;
    CHECK(FtpOptions(settings.get()).limited_bandwidth);
}

TEST_CASE("the port goes by the kind of TLS, unless it is set") {
    CHECK(options_with("tls", "explicit").port == 21);
    CHECK(options_with("tls", "implicit").port == 990);
    CHECK(options_with("port", "2121").port == 2121);
    for (const char* port : {"0", "-1", "65536"}) {
        SettingsOfModule settings(option_specs);
        settings.set("port", port);
        CHECK_MESSAGE(refuses(settings, "ftp.port"), port);
    }
}

TEST_CASE("a host that is none is refused") {
    for (const char* host : {"", "user@host", "host/path", "a b", "a\nb"}) {
        SettingsOfModule settings(option_specs);
        settings.values.target_host = host;
        CHECK_MESSAGE(refuses(settings, "outgoing.target_host"), host);
    }
}

TEST_CASE("a line break in what is sent as a command is refused") {
    for (const char* name : {"username", "password"}) {
        SettingsOfModule settings(option_specs);
        settings.set(name, "a\r\nDELE b");
        CHECK_MESSAGE(refuses(settings, "one line"), name);
    }
    SettingsOfModule settings(option_specs);
    settings.values.target_dir = "a\nb";
    CHECK(refuses(settings, "one line"));
}

TEST_CASE("options that do not fit together are refused") {
    const auto refused = [](const std::string& name, const std::string& value, const std::string& with) {
        SettingsOfModule settings(option_specs);
        settings.set(name, value);
        return refuses(settings, with);
    };
    CHECK(refused("ca_file", "/ca.pem", "ftp.tls"));
    CHECK(refused("client_cert", "/c.pem", "ftp.tls"));
    CHECK(refused("client_key", "/k.pem", "ftp.client_cert"));
    CHECK(refused("timeout", "0s", "ftp.timeout"));
    CHECK(refused("connect_timeout", "0s", "ftp.connect_timeout"));
    SettingsOfModule two_passwords(option_specs);
    two_passwords.set("password", "a");
    two_passwords.set("password_file", "/b");
    CHECK(refuses(two_passwords, "cannot both"));
}

TEST_CASE("the password is the first line of its file, as it is now") {
    const test::Scratch scratch;
    test::write_file(scratch / "password", "with space\r\nanother line\n");
    const FtpOptions options = options_with("password_file", (scratch / "password").string());
    CHECK(password_of(options) == "with space");
    test::write_file(scratch / "password", "changed");
    CHECK(password_of(options) == "changed");
    test::write_file(scratch / "password", "a\rDELE b\n");
    CHECK_THROWS_AS(password_of(options), StatusError);
    std::filesystem::remove(scratch / "password");
    CHECK_THROWS_AS(password_of(options), StatusError);
    CHECK(password_of(options_with("password", "secret")) == "secret");
}

TEST_SUITE_END();

}  // namespace mistamover::ftp
