// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "campaign.hpp"
#include "program.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int writers = 8;
constexpr int files_in_directory = 10;

std::string content_of(const std::string& name) {
    std::string content;
    for (std::size_t line = 0; line < 2 + name.size() * 7 % 40; ++line) {
        content += name + '\n';
    }
    return content;
}

// In two halves with a pause between, as a slow writer does.
void write_slowly(const fs::path& path, const std::string& content, std::chrono::milliseconds pause) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    const std::size_t half = content.size() / 2;
    const bool first = ::write(fd, content.data(), half) == static_cast<ssize_t>(half);
    const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    const bool touched = ::futimens(fd, long_ago) == 0;
    std::this_thread::sleep_for(pause);
    const auto rest = static_cast<ssize_t>(content.size() - half);
    if (!first || !touched || ::write(fd, content.data() + half, content.size() - half) != rest) {
        std::_Exit(1);
    }
    ::close(fd);
}

// One of the processes that fill the stream's directory, each in its own ways.
class Writer {
  public:
    Writer(fs::path directory, fs::path elsewhere, int number)
        : directory_(std::move(directory)), elsewhere_(std::move(elsewhere)), number_(number) {}

    void write(int count) const {
        for (int i = 0; i < count; i += i % 20 == 19 ? 1 + files_in_directory : 1) {
            const std::string name = name_of(i);
            switch (i % 20) {
                case 0:
                    write_slowly(directory_ / name, content_of(name), 50ms);
                    break;
                case 5:
                    write_slowly(elsewhere_ / name, content_of(name), 5ms);
                    fs::rename(elsewhere_ / name, directory_ / name);
                    break;
                case 10:
                    write_file(directory_ / ('.' + name), content_of(name));
                    fs::rename(directory_ / ('.' + name), directory_ / name);
                    break;
                case 19:
                    write_directory(name, i);
                    break;
                default:
                    write_file(directory_ / name, content_of(name));
            }
        }
    }

    // Every unit that write(count) makes.
    [[nodiscard]] std::set<std::string> names(int count) const {
        std::set<std::string> names;
        for (int i = 0; i < count; i += i % 20 == 19 ? 1 + files_in_directory : 1) {
            names.insert(name_of(i));
        }
        return names;
    }

  private:
    [[nodiscard]] std::string name_of(int i) const {
        return (i % 20 == 19 ? "directory" : "file") + std::to_string(number_) + '-' + std::to_string(i);
    }
    // Either complete at once, by a renaming, or filled slowly, in a subdirectory that comes later; one file
    // stays open until the end.
    void write_directory(const std::string& name, int i) const {
        const bool renamed = (i / 20) % 2 == 0;
        const fs::path made = renamed ? elsewhere_ / name : directory_ / name;
        fs::create_directory(made);
        const int held = ::open((made / "held").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        for (int file = 0; file < files_in_directory; ++file) {
            write_file(made / "below" / std::to_string(file), content_of(name));
            std::this_thread::sleep_for(renamed ? 0ms : 10ms);
        }
        ::close(held);
        if (renamed) {
            fs::rename(made, directory_ / name);
        }
    }

    fs::path directory_;
    fs::path elsewhere_;
    int number_;
};

// Whether what is at the target under a final name is complete.
bool is_whole(const fs::path& target, const std::string& name) {
    if (!name.starts_with("directory")) {
        return read_file(target / name) == content_of(name);
    }
    bool whole = fs::exists(target / name / "held");
    for (int file = 0; file < files_in_directory; ++file) {
        whole = whole && read_file(target / name / "below" / std::to_string(file)) == content_of(name);
    }
    return whole;
}

// What never found by looking now and then is found by events.
void poll_seldom(const Site& site) {
    write_file(site.config(), "global: {top: " + site.home().string() + ", general_poll_interval: 1h}\n");
}

}  // namespace

TEST_SUITE_BEGIN("readiness_campaign");

TEST_CASE("a file that is appended to slowly, its time set back meanwhile, is sent when it is closed") {
    const auto duration = is_full_campaign() ? 30s : 3s;
    Site same;
    Site other("/dev/shm");
    std::string content;
    std::vector<int> files;
    for (Site* site : {&same, &other}) {
        site->add_stream("p");
        files.push_back(::open((site->source() / "slow").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    }
    Daemon first(same);
    Daemon second(other);
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
        content += "another line\n";
        for (const int fd : files) {
            REQUIRE(::write(fd, "another line\n", 13) == 13);
            const timespec long_ago[2] = {{1000, 0}, {1000, 0}};
            REQUIRE(::futimens(fd, long_ago) == 0);
        }
        for (const Site* site : {&same, &other}) {
            REQUIRE(fs::exists(site->source() / "slow"));
            REQUIRE_FALSE(fs::exists(site->target() / "slow"));
        }
        std::this_thread::sleep_for(100ms);  // the pace of the writer
    }
    for (const int fd : files) {
        ::close(fd);
    }
    for (const Site* site : {&same, &other}) {
        CHECK(eventually([&] { return !fs::exists(site->source() / "slow"); }));
        CHECK(read_file(site->target() / "slow") == content);
    }
}

TEST_CASE("of what eight processes write, rename in and make directories of, none is early and none missed") {
    const int files_of_each = is_full_campaign() ? 1250 : 125;
    Site site("/dev/shm");
    site.add_stream("p");
    poll_seldom(site);
    const Scratch elsewhere;
    Daemon daemon(site);
    std::set<std::string> awaited;
    std::vector<pid_t> processes;
    for (int number = 0; number < writers; ++number) {
        const Writer writer(site.source(), elsewhere.path(), number);
        awaited.merge(writer.names(files_of_each));
        processes.push_back(::fork());
        if (processes.back() == 0) {
            writer.write(files_of_each);
            std::_Exit(0);
        }
    }
    const std::size_t all = awaited.size();
    const auto deadline = std::chrono::steady_clock::now() + (is_full_campaign() ? 600s : 120s);
    while (!awaited.empty() && std::chrono::steady_clock::now() < deadline) {
        for (const auto& entry : fs::directory_iterator(site.target())) {
            const std::string name = entry.path().filename().string();
            if (awaited.erase(name) > 0) {
                REQUIRE_MESSAGE(is_whole(site.target(), name), name);
            }
        }
        std::this_thread::sleep_for(5ms);
    }
    CHECK_MESSAGE(awaited.empty(), awaited.size() << " missed, one of them " << *awaited.begin());
    for (const pid_t process : processes) {
        int status = -1;
        ::waitpid(process, &status, 0);
        CHECK(status == 0);
    }
    CHECK(daemon.stop());
    CHECK(fs::is_empty(site.source()));
    CHECK(std::distance(fs::directory_iterator(site.target()), {}) == static_cast<std::ptrdiff_t>(all));
}

TEST_SUITE_END();

}  // namespace mistamover::test
