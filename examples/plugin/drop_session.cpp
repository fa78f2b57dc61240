// SPDX-License-Identifier: BSD-3-Clause
#include "drop_session.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace drop {
namespace {

using mistamover::Status;
using mistamover::StatusCode;
using mistamover::StatusScope;
namespace fs = std::filesystem;

class File {
  public:
    File(const fs::path& path, int flags, mode_t mode = 0)
        : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
        if (fd_ < 0) {
            throw mistamover::StatusError(mistamover::status_from_errno(errno, "open " + path.string()));
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

/// Throws the errno of a call that failed.
void check(bool good, const std::string& doing) {
    if (!good) {
        throw mistamover::StatusError(mistamover::status_from_errno(errno, doing));
    }
}

bool same_as_announced(const File& source, const mistamover::PutItem& item) {
    struct stat now {};
    check(::fstat(source.fd(), &now) == 0, "look at the source");
    const std::int64_t mtime_ns = now.st_mtim.tv_sec * 1'000'000'000LL + now.st_mtim.tv_nsec;
    return now.st_dev == item.device && now.st_ino == item.inode &&
           static_cast<std::uint64_t>(now.st_size) == item.size && mtime_ns == item.mtime_ns;
}

std::size_t read_some(const File& file, std::span<char> buffer) {
    const ssize_t count = ::read(file.fd(), buffer.data(), buffer.size());
    check(count >= 0, "read");
    return static_cast<std::size_t>(count);
}

void write_all(const File& file, std::span<const char> data) {
    while (!data.empty()) {
        const ssize_t count = ::write(file.fd(), data.data(), data.size());
        check(count >= 0, "write");
        data = data.subspan(static_cast<std::size_t>(count));
    }
}

/// Removes a temporary file unless it has been published.
class Temporary {
  public:
    explicit Temporary(fs::path path) : path_(std::move(path)) {}
    Temporary(const Temporary&) = delete;
    Temporary& operator=(const Temporary&) = delete;
    ~Temporary() {
        if (!published_) {
            ::unlink(path_.c_str());
        }
    }
    [[nodiscard]] const fs::path& path() const { return path_; }
    void publish_as(const fs::path& target) {
        check(::rename(path_.c_str(), target.c_str()) == 0, "rename to " + target.string());
        published_ = true;
    }

  private:
    fs::path path_;
    bool published_ = false;
};

fs::path new_temporary_name(const Settings& settings) {
    static std::atomic<std::uint64_t> number{0};
    const fs::path directory = settings.target_dir / settings.temp_dir;
    check(::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST, "make " + directory.string());
    return directory / (std::to_string(::getpid()) + "." + std::to_string(number.fetch_add(1)));
}

}  // namespace

Session::Session(const Settings& settings, mistamover::SessionContext& context)
    : settings_(settings), context_(context) {
    struct stat info {};
    if (::stat(settings_.target_dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        // Not the fault of any file: the core keeps the files and opens another session later.
        throw mistamover::StatusError(Status(StatusCode::unreachable, StatusScope::session,
                                             settings_.target_dir.string() + " is not a directory now"));
    }
}

mistamover::Capabilities Session::capabilities() {
    return mistamover::Capability::publish_rename;
}

Status Session::put(const mistamover::PutRequest& request, mistamover::PutSink& sink) {
    for (std::size_t index = 0; index < request.items.size(); ++index) {
        Status status = mistamover::detail::guarded([&] { return put_file(request, request.items[index]); });
        sink.done(index, status, {.bytes_sent = status.ok() ? request.items[index].size : 0});
        if (status.scope() == StatusScope::session || status.code() == StatusCode::cancelled) {
            return status;
        }
    }
    return {};
}

Status Session::put_file(const mistamover::PutRequest& request, const mistamover::PutItem& item) {
    if (item.kind != mistamover::EntryKind::file) {
        return {StatusCode::unsupported, StatusScope::item, "drop puts plain files only"};
    }
    const File source(fs::path(request.source_root) / item.path, O_RDONLY | O_NOFOLLOW);
    const fs::path target = settings_.target_dir / request.target_prefix / item.path;
    Temporary temporary(new_temporary_name(settings_));
    const File copy(temporary.path(), O_WRONLY | O_CREAT | O_EXCL, static_cast<mode_t>(settings_.file_mode));

    std::array<char, 128 * 1024> buffer{};
    while (const std::size_t count = read_some(source, buffer)) {
        context_.acquire(count);
        if (context_.cancelled()) {
            return {StatusCode::cancelled, StatusScope::item, "given up on request"};
        }
        write_all(copy, std::span(buffer).first(count));
        context_.progress(count);
    }
    if (!same_as_announced(source, item)) {
        return {StatusCode::source_changed, StatusScope::item, "the source changed while it was copied"};
    }
    temporary.publish_as(target);
    return {};
}

Status Session::stat(std::span<const std::string_view> paths, mistamover::StatSink& sink) {
    for (std::size_t index = 0; index < paths.size(); ++index) {
        const fs::path path = settings_.target_dir / paths[index];
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) {
            sink.entry(index, mistamover::status_from_errno(errno, "look at " + path.string()), {});
            continue;
        }
        mistamover::EntryInfo entry;
        entry.size = static_cast<std::uint64_t>(info.st_size);
        entry.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec;
        entry.mtime_precision_ns = 1;
        entry.mode = info.st_mode & 07777U;
        entry.kind = S_ISREG(info.st_mode)   ? mistamover::EntryKind::file
                     : S_ISDIR(info.st_mode) ? mistamover::EntryKind::directory
                     : S_ISLNK(info.st_mode) ? mistamover::EntryKind::symlink
                                             : mistamover::EntryKind::other;
        sink.entry(index, {}, entry);
    }
    return {};
}

Status Session::get_small(std::string_view path, std::uint64_t limit, mistamover::BytesSink& sink) {
    const File file(settings_.target_dir / path, O_RDONLY | O_NOFOLLOW);
    std::string content;
    std::array<char, 4096> buffer{};
    while (const std::size_t count = read_some(file, buffer)) {
        content.append(buffer.data(), count);
        if (content.size() > limit) {
            return {StatusCode::unsupported, StatusScope::item, "longer than a small file may be"};
        }
    }
    sink.bytes(content);
    return {};
}

}  // namespace drop
