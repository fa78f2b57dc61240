// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <functional>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "campaign.hpp"
#include "receiver.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

// Files outside the two directories, which nobody may open, change, rename or delete.
class Canary {
  public:
    explicit Canary(const fs::path& directory) : directory_(directory), watch_(::inotify_init1(IN_NONBLOCK)) {
        write_file(directory_ / "secret", "hello");
        write_file(directory_ / "receipt", "_start_stager_receipt_data_\nf\n0\n5\n" + md5_of("hello") +
                                               "\n.t\n_end_stager_receipt_data_\n");
        write_file(directory_ / "control", control_text("bait", "5", md5_of("hello"), ".bait.r"));
        write_file(directory_ / "thanks", "_start_stager_thankyou_\nx\n_end_stager_thankyou_\n");
        names_ = {"control", "receipt", "secret", "thanks"};
        for (const std::string& name : names_) {
            contents_.push_back(read_file(directory_ / name));
        }
        REQUIRE(::inotify_add_watch(watch_, directory_.c_str(), IN_ALL_EVENTS) >= 0);
    }
    ~Canary() { ::close(watch_); }
    Canary(const Canary&) = delete;
    Canary& operator=(const Canary&) = delete;

    [[nodiscard]] fs::path operator/(const std::string& name) const { return directory_ / name; }

    void check_untouched() const {
        std::array<char, 4096> events{};
        CHECK(::read(watch_, events.data(), events.size()) < 0);
        std::set<std::string> there;
        for (const auto& entry : fs::directory_iterator(directory_)) {
            there.insert(entry.path().filename().string());
        }
        CHECK(there == names_);
        std::size_t i = 0;
        for (const std::string& name : names_) {
            CHECK(read_file(directory_ / name) == contents_[i++]);
        }
    }

  private:
    fs::path directory_;
    int watch_;
    std::set<std::string> names_;
    std::vector<std::string> contents_;
};

// A file that has a size and no content.
void make_sparse(const fs::path& path, off_t size) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    REQUIRE(::ftruncate(fd, size) == 0);
    ::close(fd);
}

constexpr off_t gibibyte = off_t{1} << 30;

std::vector<std::string> hostile_names(const fs::path& elsewhere) {
    using namespace std::string_literals;
    return {"../canary/secret",
            (elsewhere / "secret").string(),
            "/etc/passwd",
            "..",
            ".",
            "",
            "secret\0x"s,
            "./secret",
            "sub/secret",
            ".hidden",
            std::string(300, 'n'),
            ".mistamover-arrivals",
            ".mistamover-arrivals/1.data"};
}

// The monitor is the same process still, and does its work.
void check_at_work(const Receiver& receiver, const Daemon& daemon, pid_t monitor) {
    receiver.send("good", "hello");
    CHECK_FALSE(receiver.accepted("good", "hello").empty());
    CHECK(daemon.process("mm:p<") == monitor);
}

// What `status` says of a receiver that cannot start.
bool fails_with(const Receiver& receiver, const std::string& reason) {
    return eventually([&] {
        return run_program({"status", receiver.site().config().string()}).output.find(reason) !=
               std::string::npos;
    });
}

}  // namespace

TEST_SUITE_BEGIN("hostile_arrivals_campaign");

TEST_CASE("no name in a control file leads elsewhere") {
    const Receiver receiver;
    const Canary canary(receiver.site().home() / "canary");
    write_file(receiver.delivered("theirs"), "theirs");
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    int number = 0;
    for (const std::string& name : hostile_names(receiver.site().home() / "canary")) {
        const std::string bait = "bait" + std::to_string(number++);
        receiver.put(receiver.incoming() / bait, "hello");
        receiver.put(receiver.control("data" + bait), control_text(name, "5", md5_of("hello"), ".r." + bait));
        receiver.put(receiver.control("size" + bait), control_text(name, "6", md5_of("hello"), ".r." + bait));
        receiver.put(receiver.control(bait), control_text(bait, "5", md5_of("hello"), name));
    }
    check_at_work(receiver, daemon, monitor);
    for (int i = 0; i < number; ++i) {
        const std::string bait = "bait" + std::to_string(i);
        for (const std::string& control : {"data" + bait, "size" + bait, bait}) {
            CHECK_MESSAGE(gone(receiver.control(control)), control);
        }
    }
    CHECK(read_file(receiver.delivered("theirs")) == "theirs");
    CHECK_FALSE(fs::exists(receiver.incoming() / ".hidden.stager-rcpt-bss"));
    canary.check_untouched();
}

TEST_CASE("nothing but a regular file is read, and no link is followed") {
    const Receiver receiver;
    const Canary canary(receiver.site().home() / "canary");
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    const auto in = [&](const std::string& name) { return receiver.incoming() / name; };
    // As data: links to a file, to a directory, a pipe, a directory.
    fs::create_symlink(canary / "secret", in("link"));
    fs::create_symlink(canary / ".", in("dirlink"));
    REQUIRE(::mkfifo(in("pipe").c_str(), 0666) == 0);
    write_file(in("dir/file"), "hello");
    for (const std::string name : {"link", "dirlink", "pipe", "dir"}) {
        receiver.announce(name, "hello");
        CHECK(receiver.answer(name, "3\n-1\n").ends_with(".stager-thanks-bss"));
    }
    CHECK(gone(in("link")));
    CHECK(read_file(in("dir/file")) == "hello");
    // As handshake files.
    for (const std::string kind : {"stager-ctrl-bss", "stager-thanks-bss", "stager-rcpt-bss"}) {
        fs::create_symlink(canary / (kind == "stager-ctrl-bss" ? "control" : "thanks"), in(".link." + kind));
        REQUIRE(::mkfifo(in(".pipe." + kind).c_str(), 0666) == 0);
        fs::create_directory(in(".dir." + kind));
    }
    receiver.put(in("bait"), "hello");
    // Receipts wanted under names that are taken: by a link, by a pipe, by what is no receipt.
    write_file(in(".taken"), "theirs");
    for (const std::string name : {".link.stager-rcpt-bss", ".pipe.stager-rcpt-bss", ".taken"}) {
        receiver.put(in("f" + name), "hello");
        receiver.put(receiver.control("f" + name), control_text("f" + name, "5", md5_of("hello"), name));
        CHECK(gone(receiver.control("f" + name)));
    }
    CHECK(read_file(in(".taken")) == "theirs");
    CHECK(fs::is_symlink(in(".link.stager-rcpt-bss")));
    check_at_work(receiver, daemon, monitor);
    for (const std::string name : {".link.stager-ctrl-bss", ".pipe.stager-ctrl-bss",
                                   ".link.stager-thanks-bss", ".pipe.stager-thanks-bss"}) {
        CHECK_MESSAGE(gone(in(name)), name);
    }
    CHECK(fs::is_directory(in(".dir.stager-ctrl-bss")));
    CHECK(read_file(in("bait")) == "hello");
    canary.check_untouched();
}

TEST_CASE("a thank-you by its right name that is for another file costs that file nothing") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    const std::string thank_you = receiver.accepted("f", "hello");
    write_file(receiver.incoming() / "victim", "theirs");
    receiver.thank("victim", thank_you);
    CHECK(gone(receiver.incoming() / thank_you));
    CHECK(read_file(receiver.incoming() / "victim") == "theirs");
    CHECK(fs::exists(receiver.receipt("f")));
}

TEST_CASE("a hard link to a file elsewhere costs that file nothing") {
    const Receiver receiver;
    const fs::path elsewhere = receiver.site().home() / "elsewhere";
    write_file(elsewhere / "file", "hello");
    write_file(elsewhere / "receipt",
               "_start_stager_receipt_data_\nf\n0\n5\n\n.t\n_end_stager_receipt_data_\n");
    const std::string receipt = read_file(elsewhere / "receipt");
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    fs::create_hard_link(elsewhere / "file", receiver.incoming() / "f");
    fs::create_hard_link(elsewhere / "receipt", receiver.receipt("f"));
    receiver.announce("f", "other");  // what arrived is refused and deleted, and the receipt replaced
    CHECK(eventually([&] { return read_file(receiver.receipt("f")) != receipt; }));
    CHECK(receiver.answer("f", "2\n5\n" + md5_of("hello")).ends_with(".stager-thanks-bss"));
    CHECK(read_file(elsewhere / "file") == "hello");
    CHECK(read_file(elsewhere / "receipt") == receipt);
    check_at_work(receiver, daemon, monitor);
}

TEST_CASE("gigabytes are neither read nor waited for, where they cannot be what was announced") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    make_sparse(receiver.control("huge"), 100 * gibibyte);
    make_sparse(receiver.thank_you("huge"), 100 * gibibyte);
    make_sparse(receiver.incoming() / "hugedata", 100 * gibibyte);
    receiver.announce("hugedata", "hello");
    CHECK(receiver.answer("hugedata", "1\n" + std::to_string(100 * gibibyte) + '\n').ends_with("thanks-bss"));
    receiver.put(receiver.incoming() / "small", "hello");
    receiver.put(receiver.control("small"), control_text("small", "18446744073709551615", md5_of("hello"),
                                                         receiver.receipt("small").filename().string()));
    CHECK(receiver.answer("small", "1\n5\n").ends_with("thanks-bss"));
    check_at_work(receiver, daemon, monitor);
    CHECK(gone(receiver.control("huge")));
    CHECK(gone(receiver.thank_you("huge")));
}

TEST_CASE("a thank-you takes away no file but the receipt that asked for it") {
    const Receiver receiver;
    const Canary canary(receiver.site().home() / "canary");
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    write_file(receiver.incoming() / "data", "theirs");
    write_file(receiver.incoming() / ".stop", "theirs");
    write_file(receiver.delivered("theirs"), "theirs");
    receiver.send("f", "hello");
    const std::string wanted = receiver.accepted("f", "hello");
    fs::create_symlink(canary / "receipt", receiver.receipt("link"));
    std::vector<std::string> names = hostile_names(receiver.site().home() / "canary");
    for (const fs::path& path : {receiver.receipt("f"), receiver.receipt("link"), fs::path("data"),
                                 fs::path(".stop"), fs::path("../p.in/theirs"), fs::path("absent")}) {
        names.push_back(path.filename() == "theirs" ? path.string() : path.filename().string());
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        receiver.thank(names[i], ".t" + std::to_string(i) + ".stager-thanks-bss");
    }
    receiver.put(receiver.incoming() / wanted, "_start_stager_thankyou_\n_end_stager_thankyou_\n");
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK_MESSAGE(gone(receiver.incoming() / (".t" + std::to_string(i) + ".stager-thanks-bss")),
                      names[i]);
    }
    check_at_work(receiver, daemon, monitor);
    CHECK(receiver.is_answered("f"));
    CHECK(fs::is_symlink(receiver.receipt("link")));
    CHECK(read_file(receiver.incoming() / "data") == "theirs");
    CHECK(read_file(receiver.incoming() / ".stop") == "theirs");
    CHECK(read_file(receiver.delivered("theirs")) == "theirs");
    canary.check_untouched();
}

TEST_CASE("thousands of hostile control files keep the others waiting for no longer than their grace") {
    const Receiver receiver("data_grace: 5s");
    const Canary canary(receiver.site().home() / "canary");
    const Daemon daemon(receiver.site());
    const pid_t monitor = monitor_of(daemon);
    const std::string bad = control_text("../canary/secret", "5", md5_of("hello"), ".r");
    const int files = is_full_campaign() ? 10'000 : 1'000;
    for (int i = 0; i < files; ++i) {
        const std::string name = "h" + std::to_string(i);
        switch (i % 4) {
            case 0:
                write_file(receiver.control(name), bad);
                break;
            case 1:
                write_file(receiver.control(name), std::string(5000, 'x'));
                break;
            case 2:
                receiver.announce(name, "absent");
                break;
            default:
                write_file(receiver.thank_you(name),
                           "_start_stager_thankyou_\n../p.in/x\n_end_stager_thankyou_\n");
        }
    }
    check_at_work(receiver, daemon, monitor);
    CHECK(eventually(
        [&] {
            const std::set<std::string> left = receiver.in_incoming();
            return std::none_of(left.begin(), left.end(), [](const std::string& name) {
                return name.ends_with("-ctrl-bss") || name.ends_with("-thanks-bss");
            });
        },
        std::chrono::seconds{180}));
    // A control file goes before its receipt is there.
    CHECK(
        eventually([&] { return receiver.in_incoming().size() == static_cast<std::size_t>(files) / 4 + 1; }));
    CHECK(daemon.process("mm:p<") == monitor);
    canary.check_untouched();
}

TEST_CASE("a journal that somebody else has laid out is not used") {
    const auto refused = [](const std::string& reason, const std::function<void(const Receiver&)>& lay_out) {
        const Receiver receiver;
        const Canary canary(receiver.site().home() / "canary");
        fs::create_symlink(canary / "secret", receiver.site().home() / "link");
        lay_out(receiver);
        const Daemon daemon(receiver.site());
        receiver.send("f", "hello");
        CHECK(fails_with(receiver, reason));
        CHECK(fs::exists(receiver.control("f")));
        canary.check_untouched();
    };
    refused(".mistamover-arrivals", [](const Receiver& receiver) {
        fs::create_directory_symlink(receiver.site().home() / "canary", receiver.journal());
    });
    refused("others may write to it", [](const Receiver& receiver) {
        fs::create_directory(receiver.journal());
        fs::rename(receiver.site().home() / "link", receiver.journal() / "1.receipt");
        fs::permissions(receiver.journal(), fs::perms::all);
    });
    if (::geteuid() == 0) {
        refused("belongs to another user", [](const Receiver& receiver) {
            fs::create_directory(receiver.journal());
            REQUIRE(::chown(receiver.journal().c_str(), 65534, 65534) == 0);
        });
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
