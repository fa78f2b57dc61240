// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <cstring>
#include <doctest/doctest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "program.hpp"

namespace mistamover::test {
namespace {

// Takes systemd's place at $NOTIFY_SOCKET.
class ServiceManager {
  public:
    explicit ServiceManager(const std::filesystem::path& path)
        : path_(path), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~ServiceManager() { ::close(socket_); }
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    [[nodiscard]] std::string variable() const { return "NOTIFY_SOCKET=" + path_.string(); }
    // Whether it is, or has been, told this.
    bool hears(const std::string& words) {
        return eventually([&] {
            std::array<char, 4096> buffer{};
            ssize_t length = 0;
            while ((length = ::recv(socket_, buffer.data(), buffer.size(), 0)) > 0) {
                heard_ += std::string(buffer.data(), static_cast<std::size_t>(length)) + '\n';
            }
            return heard_.find(words) != std::string::npos;
        });
    }
    void forget() { heard_.clear(); }

  private:
    std::filesystem::path path_;
    int socket_;
    std::string heard_;
};

}  // namespace

TEST_SUITE_BEGIN("service");

TEST_CASE("a service manager is told of readiness, life, reloading and stopping") {
    Site site;
    site.add_stream("p");
    ServiceManager manager(site.home() / "notify");
    RunningProgram daemon({"run", "--daemon", "--foreground", site.config().string()},
                          {manager.variable(), "WATCHDOG_USEC=200000"});
    CHECK(manager.hears("READY=1\nSTATUS=streams: 1\n"));
    for (int i = 0; i < 3; ++i) {
        CHECK(manager.hears("WATCHDOG=1"));
        manager.forget();
    }
    ::kill(daemon.pid(), SIGHUP);
    CHECK(manager.hears("RELOADING=1\nMONOTONIC_USEC="));
    write_file(site.home() / "streams.d/bad.yaml", "nonsense: {}\n");
    CHECK(manager.hears("READY=1\nSTATUS=streams: 1, problems in the configuration: "));
    ::kill(daemon.pid(), SIGTERM);
    CHECK(manager.hears("STOPPING=1"));
    CHECK(daemon.wait().exit_code == 128 + SIGTERM);
}

TEST_CASE(
    "where a service manager is there, it, and nobody else, starts a controller again that was killed") {
    Site site;
    site.add_stream("p");
    ServiceManager manager(site.home() / "notify");
    const std::vector<std::string> arguments{"run", "--daemon", "--foreground", site.config().string()};
    {
        RunningProgram daemon(arguments, {manager.variable()});
        REQUIRE(manager.hears("READY=1"));
        REQUIRE(site.carries("f"));
        ::kill(daemon.pid(), SIGKILL);
        CHECK(daemon.wait().exit_code == 128 + SIGKILL);
    }
    CHECK(eventually([&] { return processes_of(site).empty(); }));
    manager.forget();
    RunningProgram daemon(arguments, {manager.variable()});
    CHECK(manager.hears("READY=1"));
    CHECK(site.carries("g"));
    ::kill(daemon.pid(), SIGTERM);
    CHECK(daemon.wait().exit_code == 128 + SIGTERM);
}

TEST_SUITE_END();

}  // namespace mistamover::test
