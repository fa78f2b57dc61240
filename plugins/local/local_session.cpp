// SPDX-License-Identifier: BSD-3-Clause
#include "local/local_session.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "local/digest.hpp"
#include "local/failure.hpp"
#include "local/time_probe.hpp"

namespace mistamover::local {
namespace {

constexpr std::size_t read_piece = 256UL * 1024;

EntryKind kind_of(mode_t mode) {
    if (S_ISREG(mode)) {
        return EntryKind::file;
    }
    if (S_ISDIR(mode)) {
        return EntryKind::directory;
    }
    return S_ISLNK(mode) ? EntryKind::symlink : EntryKind::other;
}

EntryInfo info_of(const struct stat& found, std::int64_t mtime_precision_ns) {
    EntryInfo info;
    info.size = static_cast<std::uint64_t>(found.st_size);
    info.mtime_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
    info.mtime_precision_ns = mtime_precision_ns;
    info.mode = found.st_mode & 07777;
    info.kind = kind_of(found.st_mode);
    return info;
}

Capabilities without_times(Capabilities all) {
    return Capabilities(all.bits() & ~Capabilities(Capability::set_time).bits());
}

/// Hands the pieces of an open file to `consume` until it returns false; the errno of a failed read, else 0.
template <typename Consume>
int read_pieces(int file, const Consume& consume) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(read_piece);
    for (;;) {
        const ssize_t got = ::read(file, buffer.get(), read_piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return errno;
        }
        if (got == 0 || !consume(std::string_view(buffer.get(), static_cast<std::size_t>(got)))) {
            return 0;
        }
    }
}

/// Opens a regular file for reading, and tells its size; throws StatusError.
FileDescriptor open_file(Tree& tree, std::string_view path, std::uint64_t& size) {
    FileDescriptor file = tree.open(path, O_RDONLY | O_NONBLOCK);
    struct stat found = {};
    if (!file.valid() || ::fstat(file.get(), &found) != 0) {
        throw StatusError(target_failure(errno, "open", path));
    }
    if (!S_ISREG(found.st_mode)) {
        throw StatusError({StatusCode::unsupported, StatusScope::item, "not a file: " + std::string(path)});
    }
    size = static_cast<std::uint64_t>(found.st_size);
    return file;
}

}  // namespace

LocalSession::LocalSession(const LocalOptions& options, SessionContext& context, Capabilities also)
    : context_(context),
      capabilities_(local_capabilities | also),
      target_(options.target_dir, "target directory"),
      temp_(target_, options.temp_dir),
      copier_(context, options.limited_bandwidth),
      tools_{target_, temp_, copier_, context, options.fsync},
      mtime_precision_ns_(known_mtime_precision_ns(target_.root())) {
    if (options.mode != TransferMode::mirror) {
        return;
    }
    const std::optional<std::int64_t> kept = tried_mtime_precision_ns(temp_);
    tools_.needs_times = kept.has_value();
    if (kept) {
        mtime_precision_ns_ = std::max(mtime_precision_ns_, *kept);
    } else {
        capabilities_ = without_times(capabilities_);
    }
}

void LocalSession::begin_call() {
    target_.check_still_there();
    target_.forget();
}

Status LocalSession::put(const PutRequest& request, PutSink& sink) {
    begin_call();
    const Status status = ItemPut(tools_, request, sink).run();
    copier_.release_buffer();
    return status;
}

Status LocalSession::stat(std::span<const std::string_view> paths, StatSink& sink) {
    begin_call();
    for (std::size_t index = 0; index < paths.size(); ++index) {
        const Place at = target_.place(paths[index]);
        struct stat found = {};
        if (at.directory < 0 || ::fstatat(at.directory, at.name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
            const Status status = target_failure(errno, "look at", paths[index]);
            sink.entry(index, status, {});
            if (status.scope() != StatusScope::item) {
                return status;
            }
            continue;
        }
        sink.entry(index, {}, info_of(found, mtime_precision_ns_));
    }
    return {};
}

Status LocalSession::get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) {
    begin_call();
    sink.bytes(read_small(path, limit));
    return {};
}

Status LocalSession::get_many(std::span<const std::string_view> paths, std::uint64_t limit, GetSink& sink) {
    begin_call();
    for (std::size_t index = 0; index < paths.size(); ++index) {
        try {
            sink.got(index, {}, read_small(paths[index], limit));
        } catch (const StatusError& error) {
            sink.got(index, error.status(), {});
            if (error.status().scope() != StatusScope::item) {
                return error.status();
            }
        }
    }
    return {};
}

/// Throws StatusError.
std::string LocalSession::read_small(std::string_view path, std::uint64_t limit) {
    std::uint64_t size = 0;
    const FileDescriptor file = open_file(target_, path, size);
    if (size > limit) {
        throw StatusError({StatusCode::unsupported, StatusScope::item,
                           std::string(path) + " is longer than " + std::to_string(limit) + " bytes"});
    }
    std::string content(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got = ::read(file.get(), content.data() + have, size - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            throw StatusError(target_failure(errno, "read", path));
        }
        if (got == 0) {
            break;
        }
        have += static_cast<std::size_t>(got);
    }
    content.resize(have);
    return content;
}

Status LocalSession::list(std::string_view path, ListSink& sink) {
    begin_call();
    FileDescriptor directory = target_.open(path, O_RDONLY | O_DIRECTORY);
    if (!directory.valid()) {
        return target_failure(errno, "list", path);
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(directory.get()), ::closedir);
    if (!stream) {
        return target_failure(errno, "list", path);
    }
    const int descriptor = directory.release();
    for (;;) {
        errno = 0;
        const dirent* entry =
            ::readdir(stream.get());  // NOLINT(concurrency-mt-unsafe): the stream is this call's own
        if (entry == nullptr) {
            return errno == 0 ? Status{} : target_failure(errno, "list", path);
        }
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") {
            continue;
        }
        struct stat found = {};
        if (::fstatat(descriptor, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
            sink.entry(name, info_of(found, mtime_precision_ns_));
        } else if (errno != ENOENT) {
            return target_failure(errno, "look at", name);
        }
    }
}

Status LocalSession::remove(std::span<const std::string_view> paths, RemoveSink& sink) {
    begin_call();
    for (std::size_t index = 0; index < paths.size(); ++index) {
        const Status status = remove_one(paths[index]);
        sink.done(index, status);
        if (!status.ok() && status.scope() != StatusScope::item) {
            return status;
        }
    }
    return {};
}

Status LocalSession::remove_one(std::string_view path) {
    const Place at = target_.place(path);
    bool removed = at.directory >= 0 && ::unlinkat(at.directory, at.name, 0) == 0;
    if (!removed && at.directory >= 0 && errno == EISDIR) {
        removed = ::unlinkat(at.directory, at.name, AT_REMOVEDIR) == 0;
    }
    if (removed || errno == ENOENT || errno == ENOTDIR) {
        return {};
    }
    return target_failure(errno, "remove", path);
}

Status LocalSession::rename(std::string_view from, std::string_view to) {
    begin_call();
    const SplitPath source = split_path(from);
    const FileDescriptor source_directory = target_.open(source.directory, O_PATH | O_DIRECTORY);
    const std::string source_name(source.name);
    const Place target = target_.place(to);
    if (!source_directory.valid() || target.directory < 0) {
        return target_failure(errno, "enter the directory of", source_directory.valid() ? to : from);
    }
    if (::renameat(source_directory.get(), source_name.c_str(), target.directory, target.name) != 0) {
        const int error = errno;
        struct stat found = {};
        const bool other_kind = error == ENOTDIR || error == EISDIR || error == ENOTEMPTY || error == EEXIST;
        if (other_kind && ::fstatat(target.directory, target.name, &found, AT_SYMLINK_NOFOLLOW) == 0) {
            return {StatusCode::exists, StatusScope::item,
                    std::string(to) + " is there already and cannot be replaced: " + text_of(error), error};
        }
        return refusal(error, "rename " + std::string(from) + " to", to, target.directory, target_);
    }
    if (!tools_.fsync) {
        return {};
    }
    const Status synced = sync_directory(split_path(to).directory);
    return synced.ok() ? sync_directory(source.directory) : synced;
}

Status LocalSession::sync_directory(std::string_view path) {
    const FileDescriptor directory = target_.open(path, O_RDONLY | O_DIRECTORY);
    if (!directory.valid() || ::fsync(directory.get()) != 0) {
        return target_failure(errno, "write to the disk the directory", path).with_outcome_unknown();
    }
    return {};
}

Status LocalSession::make_directory(std::string_view path) {
    begin_call();
    const Place at = target_.place(path);
    if (at.directory < 0 || ::mkdirat(at.directory, at.name, 0777) != 0) {
        return target_failure(errno, "make directory", path);
    }
    return {};
}

Status LocalSession::checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) {
    begin_call();
    std::optional<Digest> digest = Digest::make(algorithm);
    if (!digest) {
        return {StatusCode::unsupported, StatusScope::item, "no such checksum: " + std::string(algorithm)};
    }
    std::uint64_t size = 0;
    const FileDescriptor file = open_file(target_, path, size);
    const int error = read_pieces(file.get(), [&](std::string_view piece) {
        digest->feed(piece);
        return !context_.cancelled();
    });
    if (error != 0) {
        return target_failure(error, "read", path);
    }
    if (context_.cancelled()) {
        return {StatusCode::cancelled, StatusScope::item, "cancelled"};
    }
    sink.bytes(digest->hexadecimal());
    return {};
}

Status LocalSession::free_space(std::uint64_t& bytes) {
    begin_call();
    struct statvfs found = {};
    if (::fstatvfs(target_.root(), &found) != 0) {
        return target_failure(errno, "ask for the free space of", target_.path());
    }
    bytes = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    return {};
}

}  // namespace mistamover::local
