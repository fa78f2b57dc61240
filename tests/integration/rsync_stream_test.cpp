// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <set>
#include <string>

#include "program.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"

namespace mistamover::test {
namespace {

std::set<std::string> names_in(const std::filesystem::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

const std::set<std::string>& nasty_names() {
    static const std::set<std::string> names{"plain",
                                             "with space",
                                             " blank at both ends ",
                                             "quote'\"",
                                             "*?[glob]",
                                             "-leading",
                                             "--delete",
                                             "new\nline",
                                             "\xff\xfe bytes",
                                             std::string(255, 'n'),
                                             "back\\slash",
                                             "\\#012",
                                             "#hash",
                                             ";semicolon",
                                             "a -> b",
                                             "$(touch x)",
                                             "tab\there",
                                             "colon:colon",
                                             "\001\033[31mred",
                                             "~"};
    return names;
}

/// One way of reaching a directory of this machine by rsync, with its server.
class Way {
  public:
    virtual ~Way() = default;
    virtual void add_stream(Site& site, const std::string& extra, const std::string& options) const = 0;
    void add_stream(Site& site, const std::string& extra = "") const { add_stream(site, extra, ""); }

  protected:
    static std::string more(const std::string& text) { return text.empty() ? "" : ", " + text; }
};

class SshWay final : public Way {
  public:
    using Way::add_stream;
    void add_stream(Site& site, const std::string& extra, const std::string& options) const override {
        site.add_stream_with(
            "p", "plugin: rsync, target_host: 127.0.0.1, target_dir: " + site.target().string() + more(extra),
            "rsync: {port: " + std::to_string(sshd.port()) + ", username: " + sshd.user() +
                ", ssh_key: " + sshd.client_key().string() + ", known_hosts: " + sshd.known_hosts().string() +
                more(options) + "}");
    }
    Sshd sshd;
};

class DaemonWay final : public Way {
  public:
    using Way::add_stream;
    explicit DaemonWay(const Site& site, const std::string& password = "")
        : rsyncd(site.targets(), password) {}
    void add_stream(Site& site, const std::string& extra, const std::string& options) const override {
        site.add_stream_with(
            "p", "plugin: rsync, target_host: 127.0.0.1, target_dir: data/p.out" + more(extra),
            "rsync: {transport: daemon, port: " + std::to_string(rsyncd.port()) + more(options) + "}");
    }
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

void check_delivery_of_everything(Site& site, const Way& way, bool trees) {
    way.add_stream(site);
    for (const std::string& name : nasty_names()) {
        write_file(site.source() / name, "content of " + name);
    }
    write_file(site.source() / "tree/a/b", "deep");
    write_file(site.source() / "tree/#c", "comment");
    std::filesystem::create_directories(site.source() / "tree/empty");
    std::filesystem::create_symlink("nowhere", site.source() / "link");
    const ProgramResult result = site.one_off();
    CHECK_MESSAGE(result.exit_code == 0, result.output << site.log("rsync_p") << site.log("dtc_p"));
    std::set<std::string> expected = nasty_names();
    expected.insert({trees ? "tree" : "tree.zip", "link"});
    CHECK(names_in(site.target()) == expected);
    for (const std::string& name : nasty_names()) {
        CHECK_MESSAGE(read_file(site.target() / name) == "content of " + name, name);
    }
    CHECK(std::filesystem::read_symlink(site.target() / "link") == "nowhere");
    if (trees) {
        CHECK(read_file(site.target() / "tree/a/b") == "deep");
        CHECK(read_file(site.target() / "tree/#c") == "comment");
        CHECK(std::filesystem::is_directory(site.target() / "tree/empty"));
    }
    CHECK(names_in(site.source()).empty());
}

}  // namespace

TEST_SUITE_BEGIN("rsync_stream");

TEST_CASE("files of every name, links and directories arrive over ssh, and nothing is left behind") {
    Site site;
    const SshWay way;
    check_delivery_of_everything(site, way, true);
}

TEST_CASE("files of every name, links and directories arrive at a daemon, and nothing is left behind") {
    Site site;
    const DaemonWay way(site);
    check_delivery_of_everything(site, way, false);
}

TEST_CASE("files of every name, links and directories arrive on this machine, and nothing is left behind") {
    Site site;
    const LocalWay way;
    check_delivery_of_everything(site, way, true);
}

TEST_SUITE_END();

}  // namespace mistamover::test
