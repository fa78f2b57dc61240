// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <grp.h>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "local/local_options.hpp"
#include "local/local_session.hpp"
#include "put_item.hpp"

namespace mistamover::local::test {

namespace fs = std::filesystem;

/// A directory that is removed with everything in it.
class ScratchDirectory {
  public:
    explicit ScratchDirectory(const fs::path& parent) {
        std::string pattern = (parent / "mistamover-local-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

inline struct stat look(const fs::path& path) {
    struct stat found = {};
    REQUIRE_MESSAGE(::lstat(path.c_str(), &found) == 0, path.string());
    return found;
}

inline std::string read_file(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    REQUIRE_MESSAGE(stream.good(), path.string());
    return {std::istreambuf_iterator<char>(stream), {}};
}

inline void write_file(const fs::path& path, std::string_view content) {
    std::ofstream stream(path, std::ios::binary);
    stream << content;
    REQUIRE_MESSAGE(stream.flush().good(), path.string());
}

inline std::string pattern_of(std::size_t size) {
    std::string content(size, '\0');
    std::uint32_t state = 12345;
    for (char& byte : content) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24U);
    }
    return content;
}

inline std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

/// The core's side of a session, with the faults that a test wants.
class FakeContext final : public border::SessionContext {
  public:
    void log(LogLevel level, std::string_view /*text*/) noexcept override {
        warnings += level == LogLevel::warning ? 1U : 0U;
    }
    bool cancelled() const noexcept override { return is_cancelled; }
    int cancel_fd() const noexcept override { return -1; }
    std::int64_t stall_timeout_ms() const noexcept override { return 60'000; }
    void acquire(std::uint64_t bytes) noexcept override { acquired += bytes; }
    void progress(std::uint64_t bytes) noexcept override {
        progressed += bytes;
        if (on_progress) {
            on_progress();
        }
    }

    bool is_cancelled = false;
    std::size_t warnings = 0;
    std::uint64_t acquired = 0;
    std::uint64_t progressed = 0;
    std::function<void()> on_progress;
};

struct Reports final : PutSink {
    void done(std::size_t index, const Status& status, const PutReport& report) noexcept override {
        CHECK_MESSAGE(!statuses.contains(index), "reported twice");
        statuses[index] = status;
        reports[index] = report;
        if (on_done) {
            on_done(index);
        }
    }
    void clear() {
        statuses.clear();
        reports.clear();
    }
    std::map<std::size_t, Status> statuses;
    std::map<std::size_t, PutReport> reports;
    std::function<void(std::size_t index)> on_done;
};

/// The item views `path`, which must outlive it.
inline PutItem item_of(const fs::path& root, std::string_view path) {
    return mistamover::test::put_item(root, path);
}

inline fs::path first_file_system() {
    return fs::temp_directory_path();
}

/// A directory on another file system than first_file_system().
inline fs::path other_file_system() {
    const char* named = std::getenv("MISTAMOVER_TEST_OTHER_FS");  // NOLINT(concurrency-mt-unsafe)
    fs::path path = named == nullptr ? "/dev/shm" : named;
    REQUIRE_MESSAGE(look(path).st_dev != look(first_file_system()).st_dev,
                    "set MISTAMOVER_TEST_OTHER_FS to a directory that is not on the file system of "
                        << first_file_system());
    return path;
}

inline constexpr char temp_name[] = ".tmp-stream";

/// A source directory, a target directory and a session between them.
class Bench {
  public:
    explicit Bench(const fs::path& source_parent = first_file_system(),
                   const fs::path& target_parent = first_file_system())
        : source_scratch(source_parent), target_scratch(target_parent) {}

    [[nodiscard]] fs::path source(const std::string& path = {}) const { return source_scratch.path() / path; }
    [[nodiscard]] fs::path target(const std::string& path = {}) const { return target_scratch.path() / path; }

    LocalSession& session() {
        if (!session_) {
            std::string_view value = fsync ? "true" : "false";
            const OptionValue option{"fsync", {&value, 1}};
            const std::string target_dir = target_scratch.path().string();
            ModuleSettings settings;
            settings.target_dir = target_dir;
            settings.temp_dir = temp_name;
            settings.options = {&option, 1};
            settings.bandwidth_limit = bandwidth_limit;
            settings.mode = mode;
            session_ = std::make_unique<LocalSession>(LocalOptions(settings), context);
        }
        return *session_;
    }

    void end_session() { session_.reset(); }

    /// Puts the items that `paths` are now.
    Status put(const std::vector<std::string>& paths, bool may_take, Publish publish = Publish::rename) {
        std::vector<PutItem> items;
        items.reserve(paths.size());
        for (const std::string& path : paths) {
            items.push_back(item_of(source(), path));
        }
        return put_items(items, may_take, publish);
    }

    Status put_items(const std::vector<PutItem>& items, bool may_take, Publish publish = Publish::rename) {
        const std::string root = source_scratch.path().string();
        PutRequest request;
        request.source_root = root;
        request.target_prefix = prefix;
        request.items = items;
        request.may_take_source = may_take;
        request.publish = publish;
        sink.clear();
        return session().put(request, sink);
    }

    /// Puts one item; its Status.
    Status put_one(const std::string& path, bool may_take, Publish publish = Publish::rename) {
        const Status whole = put({path}, may_take, publish);
        REQUIRE(sink.statuses.contains(0));
        CHECK((whole.ok() || sink.statuses[0].scope() != StatusScope::item ||
               sink.statuses[0].code() == StatusCode::cancelled));
        return sink.statuses[0];
    }

    /// What is in the target but for the temporary directory, in which no file may be.
    std::vector<std::string> delivered() {
        std::vector<std::string> names = names_in(target());
        if (std::erase(names, temp_name) != 0) {
            for (const fs::directory_entry& entry : fs::recursive_directory_iterator(target(temp_name))) {
                CHECK_MESSAGE(entry.is_directory(), entry.path().string());
            }
        }
        return names;
    }

    ScratchDirectory source_scratch;
    ScratchDirectory target_scratch;
    FakeContext context;
    Reports sink;
    std::string prefix;
    bool fsync = false;
    std::uint64_t bandwidth_limit = 0;
    TransferMode mode = TransferMode::move;

  private:
    std::unique_ptr<LocalSession> session_;
};

/// Runs `body` in a child process, whose failed checks fail this one.
inline void in_child(const std::function<bool()>& body) {
    std::cout.flush();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool good = false;
        try {
            good = body();
        } catch (const std::exception& error) {
            std::cerr << error.what() << '\n';
        }
        ::_exit(good ? 0 : 1);
    }
    int end = 0;
    REQUIRE(::waitpid(child, &end, 0) == child);
    CHECK(WIFEXITED(end));
    CHECK(WEXITSTATUS(end) == 0);
}

constexpr uid_t nobody = 65534;

/// Gives up root's rights for good; for use in a child.
inline bool become_ordinary() {
    return ::geteuid() != 0 ||
           (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0);
}

inline void give_to_ordinary(const fs::path& path) {
    if (::geteuid() == 0) {
        REQUIRE(::lchown(path.c_str(), nobody, nobody) == 0);
    }
}

}  // namespace mistamover::local::test
