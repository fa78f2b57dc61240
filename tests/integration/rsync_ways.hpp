// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "program.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"

namespace mistamover::test {

/// One way of reaching a site's target by rsync, with its server.
class Way {
  public:
    virtual ~Way() = default;
    /// A stream "p" to the site's target. `extra` goes into the `outgoing` section, `options` into the
    /// module's.
    virtual void add_stream(Site& site, const std::string& extra, const std::string& options) const = 0;
    void add_stream(Site& site, const std::string& extra = "") const { add_stream(site, extra, ""); }
    /// SIGKILL to everything at the other end.
    virtual void kill_server() {}
    virtual void start_server() {}

  protected:
    static std::string more(const std::string& text) { return text.empty() ? "" : ", " + text; }
};

class SshWay final : public Way {
  public:
    using Way::add_stream;
    explicit SshWay(const std::string& sshd_configuration = "") : sshd(sshd_configuration) {}
    void add_stream(Site& site, const std::string& extra, const std::string& options) const override {
        site.add_stream_with(
            "p", "plugin: rsync, target_host: 127.0.0.1, target_dir: " + site.target().string() + more(extra),
            "rsync: {port: " + std::to_string(sshd.port()) + ", username: " + sshd.user() +
                ", ssh_key: " + sshd.client_key().string() + ", known_hosts: " + sshd.known_hosts().string() +
                more(options) + "}");
    }
    void kill_server() override { sshd.kill(); }
    void start_server() override { sshd.start(); }
    Sshd sshd;
};

class DaemonWay final : public Way {
  public:
    using Way::add_stream;
    /// `more`: further lines of the daemon's configuration.
    explicit DaemonWay(const Site& site, const std::string& password = "", const std::string& more = "")
        : rsyncd(site.targets(), password, more) {}
    void add_stream(Site& site, const std::string& extra, const std::string& options) const override {
        site.add_stream_with(
            "p", "plugin: rsync, target_host: 127.0.0.1, target_dir: data/p.out" + more(extra),
            "rsync: {transport: daemon, port: " + std::to_string(rsyncd.port()) + more(options) + "}");
    }
    void kill_server() override { rsyncd.kill(); }
    void start_server() override { rsyncd.start(); }
    Rsyncd rsyncd;
};

class LocalWay final : public Way {
  public:
    using Way::add_stream;
    void add_stream(Site& site, const std::string& extra, const std::string& options) const override {
        site.add_stream_with("p", "plugin: rsync, target_dir: " + site.target().string() + more(extra),
                             "rsync: {transport: local" + more(options) + "}");
    }
};

}  // namespace mistamover::test
