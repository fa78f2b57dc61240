// SPDX-License-Identifier: BSD-3-Clause
#include <chrono>
#include <doctest/doctest.h>
#include <memory>
#include <thread>

#include "quiet_context.hpp"
#include "rsync/ssh_master.hpp"
#include "rsync_fixture.hpp"
#include "servers/sshd.hpp"

namespace mistamover::rsync::test {
namespace {

using mistamover::test::QuietContext;
using mistamover::test::Scratch;
using mistamover::test::Sshd;

class Host {
  public:
    Host() {
        settings_.set("port", std::to_string(sshd.port()));
        settings_.set("username", sshd.user());
        settings_.set("ssh_key", sshd.client_key().string());
        settings_.set("known_hosts", sshd.known_hosts().string());
        settings_.values.target_host = "127.0.0.1";
        settings_.values.work_dir = work_dir_;
        options_ = std::make_unique<RsyncOptions>(settings_.get());
    }
    std::shared_ptr<SshMaster> join() { return masters.join(*options_, quiet_); }
    Sshd sshd;
    SshMasters masters;

  private:
    Scratch scratch_;
    std::string work_dir_ = scratch_.path().string();
    Settings settings_;
    std::unique_ptr<RsyncOptions> options_;
    QuietContext quiet_;
};

}  // namespace

TEST_CASE("eight sessions share a connection, and the ninth gets another") {
    Host host;
    const std::shared_ptr<SshMaster> first = host.join();
    for (int more = 1; more < 8; ++more) {
        CHECK(host.join() == first);
    }
    const std::shared_ptr<SshMaster> second = host.join();
    CHECK(second != first);
    CHECK(host.join() == second);
    CHECK(first->check().ok());
    CHECK(second->check().ok());
}

TEST_CASE("nobody joins a connection that a session has left, and those that have go on with it") {
    Host host;
    const std::shared_ptr<SshMaster> first = host.join();
    host.masters.leave(first);
    const std::shared_ptr<SshMaster> second = host.join();
    CHECK(second != first);
    CHECK(first->check().ok());
    host.masters.leave(first);
    CHECK(host.join() == second);
}

TEST_CASE("nobody joins a connection that has died") {
    Host host;
    const std::shared_ptr<SshMaster> first = host.join();
    host.sshd.kill();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (first->check().ok() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK_FALSE(first->check().ok());
    CHECK_THROWS_AS(host.join(), StatusError);
    host.sshd.start();
    const std::shared_ptr<SshMaster> second = host.join();
    CHECK(second != first);
    CHECK(second->check().ok());
}

}  // namespace mistamover::rsync::test
