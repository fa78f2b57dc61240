// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>

#include "program.hpp"

namespace mistamover::test {
namespace {

constexpr const char* md5_of_hello = "5d41402abc4b2a76b9719d911017c592";
constexpr const char* md5_of_nothing = "d41d8cd98f00b204e9800998ecf8427e";

// A stream that only receives, and its sender, who is the test.
class Receiver {
  public:
    Receiver() {
        std::filesystem::create_directories(site_.source());
        std::filesystem::create_directories(site_.home() / "streams.d");
        write_file(site_.home() / "streams.d/p.yaml",
                   "data_stream: {directory: " + site_.source().string() +
                       "}\noutgoing: {plugin: none}\nincoming: {require_arrival_monitor: true, directory: " +
                       incoming().string() + ", data_grace: 1s}\n");
    }

    [[nodiscard]] const Site& site() const { return site_; }
    [[nodiscard]] std::filesystem::path incoming() const { return site_.home() / "incoming"; }
    [[nodiscard]] std::filesystem::path control(const std::string& name) const {
        return incoming() / ('.' + name + ".stager-ctrl-bss");
    }
    [[nodiscard]] std::filesystem::path receipt(const std::string& name) const {
        return incoming() / ('.' + name + ".1.00.stager-rcpt-bss");
    }

    void announce(const std::string& control_of, const std::string& data_name, std::size_t size,
                  const std::string& checksum, const std::string& receipt_name) const {
        write_file(site_.home() / "control", "_start_stager_ctrl_data_\n" + data_name + '\n' +
                                                 std::to_string(size) + '\n' + checksum + '\n' +
                                                 receipt_name + "\n_end_stager_ctrl_data_\n");
        std::filesystem::rename(site_.home() / "control", control(control_of));
    }
    void announce(const std::string& name, std::size_t size, const std::string& checksum) const {
        announce(name, name, size, checksum, receipt(name).filename().string());
    }

    // What the receipt says behind these lines, with which it must begin: at last, the thank-you's name.
    [[nodiscard]] std::string answer(const std::string& name, const std::string& lines) const {
        const std::string expected = "_start_stager_receipt_data_\n" + name + '\n' + lines + '\n';
        const std::string end = "\n_end_stager_receipt_data_\n";
        std::string text;
        const bool came = eventually([&] {
            text = read_file(receipt(name));
            return !text.empty();
        });
        INFO("receipt: ", text, " log: ", site_.log("mistamover_ctl"), site_.log("arrmon_p"));
        CHECK(came);
        CHECK(text.starts_with(expected));
        CHECK(text.ends_with(end));
        if (!text.starts_with(expected) || !text.ends_with(end)) {
            return "";
        }
        return text.substr(expected.size(), text.size() - expected.size() - end.size());
    }

  private:
    Site site_;
};

bool gone(const std::filesystem::path& path) {
    return eventually([&] { return !std::filesystem::exists(path); });
}

}  // namespace

TEST_SUITE_BEGIN("arrivals");

TEST_CASE("a file that arrives whole is delivered and receipted, and a thank-you takes the receipt away") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    REQUIRE(eventually([&] { return std::filesystem::exists(receiver.incoming()); }));
    write_file(receiver.incoming() / "f", "hello");
    receiver.announce("f", 5, md5_of_hello);
    const std::string thank_you = receiver.answer("f", std::string("0\n5\n") + md5_of_hello);
    REQUIRE(thank_you.ends_with(".stager-thanks-bss"));
    CHECK(read_file(receiver.site().source() / "f") == "hello");
    CHECK(gone(receiver.control("f")));
    CHECK_FALSE(std::filesystem::exists(receiver.incoming() / "f"));

    write_file(receiver.incoming() / thank_you, "_start_stager_thankyou_\n" +
                                                    receiver.receipt("f").filename().string() +
                                                    "\n_end_stager_thankyou_\n");
    CHECK(gone(receiver.receipt("f")));
    CHECK(gone(receiver.incoming() / thank_you));
}

TEST_CASE("a file that arrives damaged, or not at all, is refused with the reason") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    REQUIRE(eventually([&] { return std::filesystem::exists(receiver.incoming()); }));
    write_file(receiver.incoming() / "damaged", "hullo");
    receiver.announce("damaged", 5, md5_of_hello);
    CHECK(receiver.answer("damaged", "2\n5").ends_with(".stager-thanks-bss"));
    CHECK(gone(receiver.control("damaged")));

    receiver.announce("missing", 0, md5_of_nothing);
    CHECK(receiver.answer("missing", "4\n-1\n").ends_with(".stager-thanks-bss"));
    CHECK(gone(receiver.control("missing")));
    CHECK(std::filesystem::is_empty(receiver.site().source()));
}

TEST_CASE("a control file that names files elsewhere is deleted, and touches nothing there") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    REQUIRE(eventually([&] { return std::filesystem::exists(receiver.incoming()); }));
    const std::filesystem::path elsewhere = receiver.site().home() / "x";
    write_file(elsewhere, "hello");
    write_file(receiver.incoming() / "g", "hello");
    receiver.announce("x", "../x", 5, md5_of_nothing, ".x.1.00.stager-rcpt-bss");
    receiver.announce("g", "g", 5, md5_of_hello, "../receipt");
    CHECK(gone(receiver.control("x")));
    CHECK(gone(receiver.control("g")));
    CHECK(read_file(elsewhere) == "hello");
    CHECK_FALSE(std::filesystem::exists(receiver.site().home() / "receipt"));
    CHECK(std::filesystem::is_empty(receiver.site().source()));
    CHECK(receiver.site().log("mistamover_ctl").find("killed") == std::string::npos);
}

TEST_SUITE_END();

}  // namespace mistamover::test
