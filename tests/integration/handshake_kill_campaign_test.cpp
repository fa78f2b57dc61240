// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <random>
#include <string>
#include <thread>

#include "campaign.hpp"
#include "faulty_site.hpp"
#include "receiving_site.hpp"
#include "servers/rsyncd.hpp"
#include "servers/sshd.hpp"
#include "servers/vsftpd.hpp"

namespace mistamover::test {
namespace {

const std::string patient =
    "target_uses_arrival_monitor: true, retry_delay: 50ms, receipt_file_poll_interval: 200ms, "
    "receipt_file_poll_count: 1000";

// Takes away what the receiver delivers, as whatever comes next would, and so sees what is delivered twice.
class Consumer {
  public:
    explicit Consumer(const ReceivingSite& site) : site_(site) {
        std::filesystem::create_directories(taken());
    }

    [[nodiscard]] std::filesystem::path taken() const { return site_.home() / "taken"; }
    [[nodiscard]] std::size_t count() const { return count_; }
    void take() {
        for (const auto& entry : std::filesystem::directory_iterator(site_.source())) {
            const std::filesystem::path name = entry.path().filename();
            if (!name.string().starts_with('.')) {
                CHECK_MESSAGE(!std::filesystem::exists(taken() / name), name << " is delivered twice");
                std::filesystem::rename(entry.path(), taken() / name);
                ++count_;
            }
        }
    }

  private:
    const ReceivingSite& site_;
    std::size_t count_ = 0;
};

// What is left of a handshake, but for the notes of the test's own module, and for what the sender has ready
// for a full disk.
std::set<std::string> left_of_handshake(const Site& sender, const ReceivingSite& receiver) {
    std::set<std::string> left = files_below({sender.source(), receiver.incoming()});
    std::erase_if(left, [](const std::string& path) {
        return path.find("/.fault") != std::string::npos ||
               path.find("/.mistamover-handshake/reserve") != std::string::npos;
    });
    return left;
}

void check_ends_clean(const Site& sender, const ReceivingSite& receiver, Consumer& consumer,
                      std::size_t files) {
    const bool clean = eventually(
        [&] {
            consumer.take();
            return consumer.count() == files && left_of_handshake(sender, receiver).empty();
        },
        std::chrono::seconds{120});
    const std::set<std::string> left = left_of_handshake(sender, receiver);
    INFO(consumer.count(), " of ", files, " have arrived; left: ", left.empty() ? "nothing" : *left.begin(),
         "\n", sender.log("dtc_p"), receiver.log("arrmon_p"));
    CHECK(clean);
}

// One way to the receiver's incoming directory.
class Line {
  public:
    virtual ~Line() = default;
    virtual void add_stream(Site& sender, const ReceivingSite& receiver) = 0;
    virtual void kill_server() = 0;
    virtual void start_server() = 0;
};

template <typename Server>
class LineWith : public Line {
  public:
    template <typename... Arguments>
    explicit LineWith(const Arguments&... arguments) : server(arguments...) {}
    void kill_server() override { server.kill(); }
    void start_server() override { server.start(); }
    Server server;

  protected:
    static void add(Site& sender, const std::string& module, const std::string& target_dir,
                    const std::string& options) {
        sender.add_stream_with(
            "p", "plugin: " + module + ", target_host: 127.0.0.1, target_dir: " + target_dir + ", " + patient,
            module + ": {" + options + "}");
    }
};

class SftpLine final : public LineWith<Sshd> {
  public:
    void add_stream(Site& sender, const ReceivingSite& receiver) override {
        add(sender, "sftp", receiver.incoming().string(),
            "agent: false, username: " + server.user() + ", port: " + std::to_string(server.port()) +
                ", ssh_key: " + server.client_key().string() +
                ", known_hosts: " + server.known_hosts().string());
    }
};

class RsyncLine final : public LineWith<Rsyncd> {
  public:
    explicit RsyncLine(const ReceivingSite& receiver) : LineWith(receiver.home()) {}
    void add_stream(Site& sender, const ReceivingSite& /*receiver*/) override {
        add(sender, "rsync", "data/incoming", "transport: daemon, port: " + std::to_string(server.port()));
    }
};

class FtpLine final : public LineWith<Vsftpd> {
  public:
    void add_stream(Site& sender, const ReceivingSite& receiver) override {
        add(sender, "ftp", receiver.incoming().string(),
            "password: anything, port: " + std::to_string(server.port()));
    }
};

// SIGKILL to the sender's process, the receiver's or the server, in turn and at random moments.
void check_kills(Line& line, ReceivingSite& receiver) {
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    const int kills = is_full_campaign() ? 66 : 6;
    constexpr int files_each = 20;
    Site sender;
    line.add_stream(sender, receiver);
    receiver.add_receiver();
    const Daemon receiving(receiver);
    const Daemon sending(sender);
    Consumer consumer(receiver);
    for (int kill = 0; kill < kills; ++kill) {
        for (int i = 0; i < files_each; ++i) {
            const std::string name = std::to_string(kill * files_each + i);
            write_file(sender.source() / name, "content of " + name);
        }
        const int victim = kill % 3;
        const Daemon& daemon = victim == 0 ? sending : receiving;
        const std::string name = victim == 0 ? "mm:p" : "mm:p<";
        INFO("seed ", seed, ", kill ", kill);
        REQUIRE(eventually([&] { return daemon.process(name) != 0; }));
        // A random moment: nothing is waited for here.
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 60'000});
        if (victim == 2) {
            line.kill_server();
            line.start_server();
        } else if (const pid_t pid = daemon.process(name); pid != 0) {
            Daemon::kill(pid);
        }
        consumer.take();
    }
    check_ends_clean(sender, receiver, consumer, static_cast<std::size_t>(kills) * files_each);
}

}  // namespace

TEST_SUITE_BEGIN("handshake_kill_campaign");

TEST_CASE("a sender that is killed at any step of a handshake loses nothing and delivers nothing twice") {
    const int rounds = is_full_campaign() ? 10 : 1;
    for (int round = 0; round < rounds; ++round) {
        for (const std::string step :
             {"put f crash", "put f crash-after", "put .f.stager-ctrl-bss crash",
              "put .f.stager-ctrl-bss crash-after", "stat .f.*.stager-rcpt-bss crash",
              "get .f.*.stager-rcpt-bss crash", "put .f.*.stager-thanks-bss crash",
              "put .f.*.stager-thanks-bss crash-after"}) {
            INFO(step);
            FaultySite sender;
            ReceivingSite receiver;
            receiver.receive_in(sender.target());
            sender.add_faulty_stream(patient);
            receiver.add_receiver();
            sender.set_faults("once " + step);
            write_file(sender.source() / "f", "hello");
            const Daemon receiving(receiver);
            const Daemon sending(sender);
            Consumer consumer(receiver);
            check_ends_clean(sender, receiver, consumer, 1);
            CHECK(sender.uses() == 1);
            CHECK(read_file(consumer.taken() / "f") == "hello");
        }
    }
}

TEST_CASE("SIGKILL of sender, receiver or SFTP server at random moments of many handshakes") {
    ReceivingSite receiver;
    SftpLine line;
    check_kills(line, receiver);
}

TEST_CASE("SIGKILL of sender, receiver or rsync daemon at random moments of many handshakes") {
    ReceivingSite receiver;
    RsyncLine line(receiver);
    check_kills(line, receiver);
}

TEST_CASE("SIGKILL of sender, receiver or FTP server at random moments of many handshakes") {
    ReceivingSite receiver;
    FtpLine line;
    check_kills(line, receiver);
}

TEST_SUITE_END();

}  // namespace mistamover::test
