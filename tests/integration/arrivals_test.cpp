// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "receiver.hpp"
#include "receiving_site.hpp"

#undef BLOCK_SIZE  // the kernel's, from sys/mount.h; Poco calls a member so

namespace mistamover::test {
namespace {

std::uint64_t inode_of(const std::filesystem::path& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

bool logs(const Receiver& receiver, const std::string& text) {
    return eventually([&] { return receiver.site().log("arrmon_p").find(text) != std::string::npos; });
}

bool status_tells(const Receiver& receiver, const std::string& text) {
    return eventually([&] {
        return run_program({"status", receiver.site().config().string()}).output.find(text) !=
               std::string::npos;
    });
}

int times_logged(const Receiver& receiver, const std::string& text) {
    const std::string log = receiver.site().log("arrmon_p");
    int times = 0;
    for (std::size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
        ++times;
    }
    return times;
}

std::string success_text(const std::string& data_name, const std::string& content,
                         const std::string& thank_you_name) {
    return "_start_stager_receipt_data_\n" + data_name + "\n0\n" + std::to_string(content.size()) + '\n' +
           md5_of(content) + '\n' + thank_you_name + "\n_end_stager_receipt_data_\n";
}

// What is left of a monitor that had found "f" to hold "hello", as announced: all of it but, perhaps, the
// data.
void leave_in_hand(const Receiver& receiver, const std::string& data) {
    receiver.announce("f", "hello");
    const std::string control_file = receiver.control("f").filename().string();
    std::filesystem::create_directory(receiver.journal());
    std::filesystem::permissions(receiver.journal(), std::filesystem::perms::owner_all);
    write_file(receiver.journal() / "7.job",
               std::to_string(control_file.size()) + '\n' + control_file + read_file(receiver.control("f")));
    write_file(receiver.journal() / "7.receipt",
               success_text("f", "hello", receiver.thank_you("f").filename().string()));
    write_file(receiver.journal() / "7.data", data);
}

// The environment of a daemon whose disk fails as the file `failing` says.
std::vector<std::string> with_failing_disk(const std::filesystem::path& failing) {
    return {"LD_PRELOAD=" MISTAMOVER_FAILING_DISK, "FAILING_DISK=" + failing.string(),
            "ASAN_OPTIONS=verify_asan_link_order=0"};
}

// A directory shown in the place of another.
class BindMount {
  public:
    BindMount(const std::filesystem::path& shown, std::filesystem::path place) : place_(std::move(place)) {
        REQUIRE(::mount(shown.c_str(), place_.c_str(), nullptr, MS_BIND, nullptr) == 0);
    }
    ~BindMount() { ::umount2(place_.c_str(), MNT_DETACH); }
    BindMount(const BindMount&) = delete;
    BindMount& operator=(const BindMount&) = delete;

  private:
    std::filesystem::path place_;
};

}  // namespace

TEST_SUITE_BEGIN("arrivals");

TEST_CASE("a file that arrives whole is delivered and receipted, and a thank-you takes the receipt away") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    const std::string thank_you = receiver.accepted("f", "hello");
    REQUIRE(thank_you.ends_with(".stager-thanks-bss"));
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f").filename().string()});

    receiver.thank(receiver.receipt("f").filename().string(), thank_you);
    CHECK(gone(receiver.receipt("f")));
    CHECK(gone(receiver.incoming() / thank_you));
    CHECK(receiver.in_incoming().empty());
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a control file is answered within a second") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    CHECK(quickest_answer(receiver) < std::chrono::seconds{1});
}

TEST_CASE("both ends of this program agree on whatever checksum the sender is told to use") {
    struct Row {
        std::string algorithm;
        std::string on_wire;  // Of "hello".
    };
    const std::array<Row, 3> rows{{
        {"md5", md5_of("hello")},
        {"sha256", "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"},
        {"blake2b512",
         "blake2b512:e4cfa39a3d37be31c59609e807970799caa68a19bfaa15135f165085e01d41a6"
         "5ba1e1b146aeb6bd0092b49eac214c103ccfa3a365954bbbe52f74a2b3620c94"},
    }};
    for (const Row& row : rows) {
        INFO(row.algorithm);
        const Receiver receiver;
        Site sender;
        sender.add_stream_with("p",
                               "plugin: local, target_dir: " + receiver.incoming().string() +
                                   ", target_uses_arrival_monitor: true, checksum: " + row.algorithm,
                               "");
        write_file(sender.source() / "f", "hello");
        const Daemon sending(sender);
        // Nobody takes the control file away yet.
        CHECK(eventually([&] { return std::filesystem::exists(receiver.control("f")); }));
        CHECK(read_file(receiver.control("f")).find("\nf\n5\n" + row.on_wire + '\n') != std::string::npos);
        const Daemon receiving(receiver.site());
        CHECK(gone(sender.source() / "f"));
        CHECK(read_file(receiver.delivered("f")) == "hello");
        CHECK(eventually([&] { return files_below({receiver.incoming()}).empty(); }));
        CHECK(times_logged(receiver, "refused") == 0);
    }
}

TEST_CASE("a file that arrives damaged, or with anything more, is refused with the reason and deleted") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.announce("damaged", "hello");
    receiver.put(receiver.incoming() / "damaged", "hullo");
    CHECK(receiver.answer("damaged", "2\n5\n" + md5_of("hullo")).ends_with(".stager-thanks-bss"));
    receiver.announce("longer", "hello");
    receiver.put(receiver.incoming() / "longer", "hello!");
    CHECK(receiver.answer("longer", "1\n6\n").ends_with(".stager-thanks-bss"));
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("damaged").filename().string(),
                                                          receiver.receipt("longer").filename().string()});
    CHECK(std::filesystem::is_empty(receiver.site().source()));
}

TEST_CASE("a file is held while another has its name, and accepted once that one has gone") {
    const Receiver receiver;
    write_file(receiver.delivered("f"), "other");
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    REQUIRE(logs(receiver, "f is held"));
    CHECK_FALSE(receiver.is_answered("f"));
    CHECK(std::filesystem::exists(receiver.control("f")));
    CHECK(read_file(receiver.delivered("f")) == "other");
    CHECK(status_tells(receiver, "its name in the stream's directory is taken"));

    std::filesystem::rename(receiver.delivered("f"), receiver.site().home() / "other");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(read_file(receiver.site().home() / "other") == "other");
}

TEST_CASE(
    "where the stream's directory was replaced, what arrives goes to the new one, and what was held, too") {
    const Receiver receiver;
    write_file(receiver.delivered("held"), "other");
    const Daemon daemon(receiver.site());
    receiver.send("held", "hello");
    REQUIRE(logs(receiver, "held is held"));
    const std::filesystem::path old = receiver.site().home() / "old";
    std::filesystem::rename(receiver.site().source(), old);
    std::filesystem::create_directory(receiver.site().source());
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK_FALSE(receiver.accepted("held", "hello").empty());
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(read_file(receiver.delivered("held")) == "hello");
    CHECK_FALSE(std::filesystem::exists(old / "f"));
    CHECK(read_file(old / "held") == "other");
    // While nothing waits, too, and whether it is moved or deleted.
    std::filesystem::remove_all(receiver.site().source());
    std::filesystem::create_directory(receiver.site().source());
    receiver.send("g", "hello");
    CHECK_FALSE(receiver.accepted("g", "hello").empty());
    CHECK(read_file(receiver.delivered("g")) == "hello");
}

TEST_CASE("a monitor goes on where its journal, or the whole incoming directory, is made anew") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    std::filesystem::remove_all(receiver.journal());
    receiver.send("g", "hello");
    CHECK_FALSE(receiver.accepted("g", "hello").empty());
    std::filesystem::remove_all(receiver.incoming());
    std::filesystem::create_directory(receiver.incoming());
    receiver.send("h", "hello");
    CHECK_FALSE(receiver.accepted("h", "hello").empty());
    CHECK(read_file(receiver.delivered("h")) == "hello");
}

TEST_CASE("the same file sent again is accepted again, and the first stays") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello", 1);
    CHECK_FALSE(receiver.accepted("f", "hello", 1).empty());
    const std::uint64_t first = inode_of(receiver.delivered("f"));
    receiver.send("f", "hello", 2);
    CHECK_FALSE(receiver.accepted("f", "hello", 2).empty());
    CHECK(inode_of(receiver.delivered("f")) == first);
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a control file that comes again after its data was accepted leaves the receipt as it is") {
    const Receiver receiver;
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    const std::string thank_you = receiver.accepted("f", "hello");
    receiver.announce("f", "hello");
    CHECK(gone(receiver.control("f")));
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
    CHECK(receiver.accepted("f", "hello") == thank_you);
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f").filename().string()});
    CHECK(logs(receiver, "f was accepted before"));
    CHECK(times_logged(receiver, "ERROR") == 0);
}

TEST_CASE(
    "what a receipt in the journal says of data there counts for nothing: the data is looked at again") {
    struct Row {
        std::string data;
        std::string answer;
    };
    const std::array<Row, 3> rows{{
        {"hello", "0\n5\n" + md5_of("hello")},
        {"hullo", "2\n5\n" + md5_of("hullo")},
        {"hel", "1\n3\n"},
    }};
    for (const Row& row : rows) {
        INFO(row.data);
        const Receiver receiver;
        leave_in_hand(receiver, row.data);
        const Daemon daemon(receiver.site());
        CHECK(receiver.answer("f", row.answer).ends_with(".stager-thanks-bss"));
        CHECK(std::filesystem::exists(receiver.delivered("f")) == (row.data == "hello"));
        CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f").filename().string()});
        CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
    }
}

TEST_CASE("a sender that takes any receipt for success gets one for success only") {
    const Receiver receiver("data_grace: 1s, legacy_sender: true");
    const Daemon daemon(receiver.site());
    receiver.put(receiver.incoming() / "f", "hullo");
    receiver.announce("f", "hello", 1);
    CHECK(gone(receiver.control("f")));
    receiver.announce("absent", "hello");
    CHECK(gone(receiver.control("absent")));
    receiver.send("f", "hello", 2);
    CHECK_FALSE(receiver.accepted("f", "hello", 2).empty());
    CHECK(receiver.in_incoming() == std::set<std::string>{receiver.receipt("f", 2).filename().string()});
}

TEST_CASE("receipts that nobody thanks for go at their age, whatever their names, and nothing else does") {
    const Receiver receiver("receipt_max_age: 8s");
    const auto in = [&](const std::string& name) { return receiver.incoming() / name; };
    const std::filesystem::path other = receiver.receipt("other");
    write_file(other, "not a receipt");
    write_file(in(".stop"), success_text("f", "hello", ".t"));
    write_file(in(".empty"), "");
    write_file(receiver.receipt("empty"), "");
    const Daemon daemon(receiver.site());
    receiver.put(in("g"), "hello");
    receiver.put(receiver.control("g"), control_text("g", "5", md5_of("hello"), ".of g"));
    REQUIRE(eventually([&] { return std::filesystem::exists(in(".of g")); }));
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(gone(receiver.receipt("f")));
    CHECK(gone(in(".of g")));
    CHECK(gone(receiver.receipt("empty")));
    CHECK(read_file(other) == "not a receipt");
    CHECK(read_file(in(".stop")) == success_text("f", "hello", ".t"));
    CHECK(std::filesystem::exists(in(".empty")));
    CHECK(read_file(receiver.delivered("f")) == "hello");
}

TEST_CASE("a .stop file in the incoming directory is its deliverers' to see, and what has come is accepted") {
    const Receiver receiver;
    write_file(receiver.incoming() / ".stop", "operator");
    const Daemon daemon(receiver.site());
    receiver.put(receiver.incoming() / "g", "hello");
    receiver.put(receiver.control("g"), control_text("g", "5", md5_of("hello"), ".stop"));
    CHECK(gone(receiver.control("g")));
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.incoming() / ".stop") == "operator");
}

TEST_CASE(
    "what the disk fails to keep or to give is answered as an I/O error, and accepted once it is mended") {
    for (const std::string failure : {"write content", "write receipts", "write directories", "read data"}) {
        INFO(failure);
        const Receiver receiver;
        const std::filesystem::path failing = receiver.site().home() / "failing-disk";
        const Daemon daemon(receiver.site(), with_failing_disk(failing));
        receiver.put(failing, failure);
        // So many that they are written out together.
        const int files = failure == "write content" ? 20 : 1;
        const auto name = [](int file) { return "f" + std::to_string(file); };
        for (int file = 0; file < files; ++file) {
            receiver.send(name(file), "hello", 1);
        }
        std::set<std::string> receipts;
        for (int file = 0; file < files; ++file) {
            CHECK(receiver.answer(name(file), "3\n-1\n", 1).ends_with(".stager-thanks-bss"));
            receipts.insert(receiver.receipt(name(file), 1).filename().string());
        }
        CHECK(receiver.in_incoming() == receipts);
        CHECK(std::filesystem::is_empty(receiver.site().source()) == (failure != "write directories"));
        std::filesystem::remove(failing);
        receiver.send(name(0), "hello", 2);
        CHECK_FALSE(receiver.accepted(name(0), "hello", 2).empty());
        CHECK(read_file(receiver.delivered(name(0))) == "hello");
        CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
    }
}

TEST_CASE("a file that the disk has lost a part of is not accepted, though many were written out together") {
    const Receiver receiver;
    const std::filesystem::path failing = receiver.site().home() / "failing-disk";
    const std::string lost(5000, 'l');
    const auto name = [](int file) { return "f" + std::to_string(file); };
    constexpr int files = 40;
    constexpr int lost_file = 20;
    // All there at once, so that they are written out together.
    receiver.put(failing, "lose large data");
    for (int file = 0; file < files; ++file) {
        receiver.send(name(file), file == lost_file ? lost : "hello");
    }
    const Daemon daemon(receiver.site(), with_failing_disk(failing));
    for (int file = 0; file < files; ++file) {
        INFO(name(file));
        if (file == lost_file) {
            CHECK(receiver.answer(name(file), "3\n-1\n").ends_with(".stager-thanks-bss"));
        } else {
            CHECK_FALSE(receiver.accepted(name(file), "hello").empty());
        }
    }
    CHECK_FALSE(std::filesystem::exists(receiver.delivered(name(lost_file))));
    std::filesystem::remove(failing);
    receiver.send(name(lost_file), lost, 2);
    CHECK_FALSE(receiver.accepted(name(lost_file), lost, 2).empty());
    CHECK(read_file(receiver.delivered(name(lost_file))) == lost);
}

TEST_CASE("with fsync: false a receipt does not wait for the disk") {
    const Receiver receiver("fsync: false");
    const std::filesystem::path failing = receiver.site().home() / "failing-disk";
    receiver.put(failing, "write content");
    const Daemon daemon(receiver.site(), with_failing_disk(failing));
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.delivered("f")) == "hello");
}

TEST_CASE(
    "a file sent again takes the place of the same one that is there where the disk fails to keep that") {
    const Receiver receiver;
    const std::filesystem::path failing = receiver.site().home() / "failing-disk";
    receiver.put(failing, "write delivered");
    write_file(receiver.delivered("f"), "hello");
    // Of the one that the disk has lost, so that its inode is nobody else's.
    std::filesystem::create_hard_link(receiver.delivered("f"), receiver.site().home() / "lost");
    const Daemon daemon(receiver.site(), with_failing_disk(failing));
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(logs(receiver, "f was there already, but could not be written to the disk (Input/output error)"));
    CHECK_FALSE(std::filesystem::equivalent(receiver.delivered("f"), receiver.site().home() / "lost"));
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("the same file, which the disk fails to keep, is not taken for whole by who sends it once more") {
    const Receiver receiver;
    const std::filesystem::path failing = receiver.site().home() / "failing-disk";
    receiver.put(failing, "keep either");
    write_file(receiver.delivered("f"), "hello");
    std::filesystem::create_hard_link(receiver.delivered("f"), receiver.site().home() / "lost");
    const Daemon daemon(receiver.site(), with_failing_disk(failing));
    const std::string trouble = "f: it cannot take the place of the same file, which cannot be written to ";
    receiver.send("f", "hello");
    CHECK(status_tells(receiver, trouble));
    receiver.put(failing, "replace delivered");  // the kernel has told of it
    receiver.send("f", "hello", 2);
    receiver.send("g", "hello");
    CHECK_FALSE(receiver.accepted("g", "hello").empty());
    CHECK(status_tells(receiver, trouble));
    CHECK_FALSE(receiver.is_answered("f"));
    CHECK_FALSE(receiver.is_answered("f", 2));
    std::filesystem::remove(failing);
    CHECK_FALSE(receiver.accepted("f", "hello", 2).empty());
    CHECK_FALSE(std::filesystem::equivalent(receiver.delivered("f"), receiver.site().home() / "lost"));
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a file is accepted, too, where memory is short between its delivery and the writing of its name") {
    const Receiver receiver;
    const std::filesystem::path failing = receiver.site().home() / "failing-disk";
    const Daemon daemon(receiver.site(), with_failing_disk(failing));
    receiver.put(failing, "find memory");
    receiver.send("f", "hello");
    CHECK(logs(receiver, "f cannot be written to the disk: Cannot allocate memory"));
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK_FALSE(receiver.is_answered("f"));
    std::filesystem::remove(failing);
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    CHECK(read_file(receiver.delivered("f")) == "hello");
    CHECK(eventually([&] { return std::filesystem::is_empty(receiver.journal()); }));
}

TEST_CASE("a whole file that cannot be taken, delivered or answered is told of once, with the reason") {
    struct Row {
        std::string failure;
        std::string told;
        bool is_delivered;
    };
    const std::array<Row, 3> rows{{
        {"take data", " cannot be taken out of the incoming directory: Input/output error", false},
        {"deliver data", " cannot be moved to the stream's directory: Input/output error", false},
        {"publish receipts", " cannot be answered: Input/output error", true},
    }};
    for (const Row& row : rows) {
        INFO(row.failure);
        const Receiver receiver;
        const std::filesystem::path failing = receiver.site().home() / "failing-disk";
        const Daemon daemon(receiver.site(), with_failing_disk(failing));
        receiver.put(failing, row.failure);
        receiver.send("f", "hello");
        CHECK(logs(receiver, "f" + row.told));
        CHECK(status_tells(receiver, "f: it" + row.told));
        CHECK_FALSE(receiver.is_answered("f"));
        CHECK(std::filesystem::exists(receiver.control("f")) != row.is_delivered);
        std::filesystem::remove(failing);
        CHECK_FALSE(receiver.accepted("f", "hello").empty());
        CHECK(logs(receiver, "accepted f "));
        CHECK(times_logged(receiver, "accepted f ") == 1);
        CHECK(times_logged(receiver, row.told) == 1);
    }
}

TEST_CASE("two mounts of one file system do not do for the incoming and the stream's directory") {
    if (::geteuid() != 0) {
        MESSAGE("not run: only root may make the mount that this test needs");
        return;
    }
    const Receiver receiver;
    const std::filesystem::path shown = receiver.site().home() / "shown";
    std::filesystem::create_directory(shown);
    const BindMount mount(shown, receiver.incoming());
    const Daemon daemon(receiver.site());
    CHECK(status_tells(receiver, "reached by two mounts"));
    CHECK(logs(receiver, "cannot start: incoming.directory"));
}

TEST_CASE("no file may have the name of the quarantine directory, which is written with or without a slash") {
    for (const std::string slash : {"", "/"}) {
        INFO(slash);
        const Receiver receiver;
        std::filesystem::create_directory(receiver.delivered("bad"));
        const std::filesystem::path stream = receiver.site().home() / "streams.d/p.yaml";
        const std::string plugin = "plugin: none";
        std::string text = read_file(stream);
        text.insert(text.find(plugin) + plugin.size(),
                    ", quarantine_dir: " + receiver.delivered("bad").string() + slash);
        write_file(stream, text);
        const Daemon daemon(receiver.site());
        receiver.send("bad", "hello");
        CHECK(gone(receiver.control("bad")));
        CHECK(logs(receiver, "names files that are not its own"));
        CHECK(read_file(receiver.incoming() / "bad") == "hello");
    }
}

TEST_CASE("one pass answers what is there, and names what is held") {
    const Receiver receiver;
    write_file(receiver.delivered("held"), "other");
    receiver.send("held", "hello");
    receiver.send("f", "hello");
    const ProgramResult result = receiver.site().one_off();
    CHECK(result.exit_code == 1);
    CHECK(result.output.find("held: its name in the stream's directory is taken") != std::string::npos);
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    std::filesystem::remove(receiver.delivered("held"));
    CHECK(receiver.site().one_off().exit_code == 0);
    CHECK_FALSE(receiver.accepted("held", "hello").empty());
}

TEST_CASE("one pass ends, and says why, where a file cannot be taken or answered") {
    struct Row {
        std::string failure;
        std::string told;
    };
    const std::array<Row, 2> rows{{
        {"take data", "f: it cannot be taken out of the incoming directory: Input/output error"},
        {"publish receipts", "f: it cannot be answered: Input/output error"},
    }};
    for (const Row& row : rows) {
        INFO(row.failure);
        const Receiver receiver;
        const std::filesystem::path failing = receiver.site().home() / "failing-disk";
        receiver.put(failing, row.failure);
        receiver.send("f", "hello");
        RunningProgram pass({"run", receiver.site().config().string()}, with_failing_disk(failing));
        const ProgramResult result = pass.wait();
        CHECK(result.exit_code == 1);
        CHECK(result.output.find(row.told) != std::string::npos);
        CHECK_FALSE(receiver.is_answered("f"));
        CHECK(receiver.site().one_off().exit_code == 0);
        CHECK_FALSE(receiver.accepted("f", "hello").empty());
    }
}

TEST_CASE("status shows what an arrivals monitor has accepted and why it waits") {
    const Receiver receiver("data_grace: 60s");
    const Daemon daemon(receiver.site());
    receiver.send("f", "hello");
    CHECK_FALSE(receiver.accepted("f", "hello").empty());
    receiver.announce("late", "hello");
    std::string shown;
    CHECK(eventually([&] {
        shown = run_program({"status", receiver.site().config().string()}).output;
        return shown.find("late: it has not arrived completely") != std::string::npos;
    }));
    INFO(shown);
    CHECK(shown.find("ARRIVALS") != std::string::npos);
    CHECK(shown.find("STREAM") == std::string::npos);  // nothing is sent here
}

TEST_SUITE_END();

}  // namespace mistamover::test
