// SPDX-License-Identifier: BSD-3-Clause
#include "local/item_put.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>

#include "local/failure.hpp"

namespace mistamover::local {
namespace {

constexpr mode_t permission_bits = 07777;
constexpr mode_t identity_bits = S_ISUID | S_ISGID;

/// Removes a file that was not finished.
class Unfinished {
  public:
    Unfinished(int directory, std::string name) : directory_(directory), name_(std::move(name)) {}
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;
    ~Unfinished() {
        if (directory_ >= 0) {
            (void)::unlinkat(directory_, name_.c_str(), 0);
        }
    }
    void finished() noexcept { directory_ = -1; }

  private:
    int directory_;
    std::string name_;
};

Status no_file_there(const std::string& path) {
    return {StatusCode::exists, StatusScope::item,
            "write " + path + ": something that is no file has that name"};
}

std::array<timespec, 2> times_of(const struct stat& found) {
    return {found.st_atim, found.st_mtim};
}

}  // namespace

ItemPut::ItemPut(PutTools& tools, const PutRequest& request, PutSink& sink)
    : tools_(tools),
      request_(request),
      sink_(sink),
      source_(request.source_root),
      keep_owner_(::geteuid() == 0) {}

Status ItemPut::run() {
    Status end;
    for (std::size_t index = 0; index < request_.items.size() && end.ok(); ++index) {
        if (tools_.context.cancelled()) {
            end = {StatusCode::cancelled, StatusScope::item, "cancelled"};
            break;
        }
        const PutItem& item = request_.items[index];
        PutReport report;
        const Status status = put(item, report);
        if (status.ok() && tools_.fsync) {
            unreported_.push_back({index, report});
            unsynced_directories_.emplace(split_path(target_path_).directory);
            continue;
        }
        sink_.done(index, status, report);
        if (!status.ok() && (status.scope() != StatusScope::item || status.code() == StatusCode::cancelled)) {
            end = status;
        }
    }
    const Status finished = finish();
    return end.ok() ? finished : end;
}

Status ItemPut::put(const PutItem& item, PutReport& report) {
    target_path_ = request_.target_prefix;
    if (!target_path_.empty()) {
        target_path_ += '/';
    }
    target_path_ += item.path;
    switch (item.kind) {
        case EntryKind::directory:
            return put_directory(item);
        case EntryKind::file:
        case EntryKind::symlink:
            try {
                return put_file_or_link(item, report);
            } catch (const StatusError& of_source) {
                return of_source.status();
            }
        case EntryKind::other:
            break;
    }
    return {StatusCode::unsupported, StatusScope::item,
            "neither a file nor a directory nor a symbolic link: " + std::string(item.path)};
}

Status ItemPut::put_directory(const PutItem& item) {
    const Place at = tools_.target.place(target_path_);
    // The owner's bits are added because the directory is about to be filled.
    const mode_t mode = (item.mode & permission_bits) | S_IRWXU;
    if (at.directory < 0) {
        return target_failure(errno, "enter the directory of", target_path_);
    }
    const bool made = ::mkdirat(at.directory, at.name, mode) == 0;
    if (!made && errno != EEXIST) {
        return refusal(errno, "make directory", target_path_, at.directory, tools_.target);
    }
    if (made) {
        return set_mode_of_directory(at, mode);
    }
    struct stat found = {};
    if (::fstatat(at.directory, at.name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        return target_failure(errno, "look at directory", target_path_);
    }
    if (!S_ISDIR(found.st_mode)) {
        return {StatusCode::exists, StatusScope::item,
                "make directory " + target_path_ + ": something else of that name is there"};
    }
    return {};
}

/// Of one that was just made; by its descriptor, for a link that has taken its name meanwhile.
Status ItemPut::set_mode_of_directory(const Place& at, mode_t mode) {
    const FileDescriptor directory(
        ::openat(at.directory, at.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat found = {};
    if (!directory.valid() || ::fstat(directory.get(), &found) != 0) {
        return target_failure(errno, "look at directory", target_path_);
    }
    mode |= found.st_mode & S_ISGID;  // Inherited from the directory above: the operator's wish.
    if ((found.st_mode & permission_bits) != mode && ::fchmod(directory.get(), mode) != 0) {
        return unkept(errno, "set the mode of directory", true);
    }
    return {};
}

Status ItemPut::put_file_or_link(const PutItem& item, PutReport& report) {
    bool must_copy = !request_.may_take_source || tools_.not_renamable_from.contains(item.device);
    if (!must_copy) {
        const Status taken = take(item, report, must_copy);
        if (!must_copy) {
            return taken;
        }
    }
    return item.kind == EntryKind::symlink ? copy_link(item) : copy_file(item, report);
}

/// Renames the source to its final name. `must_copy` where the target is on another file system.
Status ItemPut::take(const PutItem& item, PutReport& report, bool& must_copy) {
    if (tools_.fsync && item.kind == EntryKind::file) {
        source_.sync(item);
    }
    const Place to = tools_.target.place(target_path_);
    if (to.directory < 0) {
        return target_failure(errno, "enter the directory of", target_path_);
    }
    struct stat found = {};
    const Place from = source_.place(item, found);
    if (::renameat(from.directory, from.name, to.directory, to.name) != 0) {
        if (errno == EXDEV) {
            tools_.not_renamable_from.insert(item.device);
            must_copy = true;
            return {};
        }
        return errno == ENOENT ? source_failure(errno, "move", item.path)
                               : refusal(errno, "move to", target_path_, to.directory, tools_.target);
    }
    // Where both names were links to one file, rename does nothing, and the source is still there to be
    // deleted.
    report.source_taken =
        found.st_nlink == 1 || ::faccessat(from.directory, from.name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    report.bytes_sent = item.size;
    tools_.context.progress(item.size);
    return {};
}

Status ItemPut::copy_link(const PutItem& item) {
    struct stat before = {};
    const std::string content = source_.read_link(item, before);
    std::string temp_name;
    if (!tools_.temp.create_link(content.c_str(), temp_name)) {
        return creation_failure(errno);
    }
    Unfinished temp(tools_.temp.descriptor(), temp_name);
    const auto times = times_of(before);
    if (keep_owner_) {
        (void)::fchownat(tools_.temp.descriptor(), temp_name.c_str(), before.st_uid, before.st_gid,
                         AT_SYMLINK_NOFOLLOW);
    }
    (void)::utimensat(tools_.temp.descriptor(), temp_name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
    Status published = publish_temp(temp_name);
    if (published.ok()) {
        temp.finished();
    }
    return published;
}

Status ItemPut::copy_file(const PutItem& item, PutReport& report) {
    struct stat before = {};
    const FileDescriptor source = source_.open(item, before);
    TargetFile target;
    if (Status opened = open_target(before, target); !opened.ok()) {
        return opened;
    }
    Unfinished leftover(target.directory, target.name);
    Status status = copy_contents(item, source.get(), before, target, report);
    if (status.ok() && !target.file.close()) {
        status = target_failure(errno, "write", target_path_);
    }
    if (status.ok()) {
        // Where the target gives the copy the time of its flush, a change before that would look older.
        ItemSource::check_unchanged(item, source.get(), before);
    }
    if (status.ok() && target.is_temporary) {
        status = publish_temp(target.name);
    }
    if (status.ok()) {
        leftover.finished();
    }
    return status;
}

Status ItemPut::open_target(const struct stat& source, TargetFile& target) {
    target.is_temporary = request_.publish == Publish::rename;
    if (!target.is_temporary) {
        return open_final(source, target);
    }
    target.file = tools_.temp.create_file(target.name);
    if (!target.file.valid()) {
        return creation_failure(errno);
    }
    target.directory = tools_.temp.descriptor();
    return {};
}

Status ItemPut::open_final(const struct stat& source, TargetFile& target) {
    const Place at = tools_.target.place(target_path_);
    if (at.directory >= 0) {
        const auto try_open = [&at](int how) {
            return FileDescriptor(::openat(at.directory, at.name,
                                           O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | how,
                                           S_IRUSR | S_IWUSR));
        };
        target.file = try_open(O_EXCL);
        target.is_new = target.file.valid();
        if (!target.is_new && errno == EEXIST) {
            target.file = try_open(0);
        }
    }
    if (!target.file.valid()) {
        // So ends the opening of a socket, and of a FIFO that nobody reads.
        return errno == ENXIO ? no_file_there(target_path_) : creation_failure(errno);
    }
    target.directory = at.directory;
    target.name = at.name;
    return target.is_new ? Status{} : make_empty(source, target);
}

/// What was there before. It may be the source: a hard link to it, or the target directory is the source's by
/// another way.
Status ItemPut::make_empty(const struct stat& source, const TargetFile& target) {
    struct stat found = {};
    if (::fstat(target.file.get(), &found) != 0) {
        return target_failure(errno, "look at", target_path_);
    }
    if (!S_ISREG(found.st_mode)) {
        return no_file_there(target_path_);
    }
    if (found.st_dev == source.st_dev && found.st_ino == source.st_ino) {
        return {StatusCode::exists, StatusScope::item,
                "write " + target_path_ + ": what is there is the source itself, under another name"};
    }
    return ::ftruncate(target.file.get(), 0) == 0 ? Status{} : target_failure(errno, "write", target_path_);
}

Status ItemPut::copy_contents(const PutItem& item, int source, const struct stat& before,
                              const TargetFile& target, PutReport& report) {
    const CopyResult copied = tools_.copier.copy(source, target.file.get(), before);
    report.bytes_sent = copied.bytes;
    switch (copied.end) {
        case CopyResult::End::complete:
            break;
        case CopyResult::End::source_short:
            return source_changed(item.path);
        case CopyResult::End::cancelled:
            return {StatusCode::cancelled, StatusScope::item, "cancelled"};
        case CopyResult::End::read_failed:
            return source_failure(copied.error, "read", item.path);
        case CopyResult::End::write_failed:
            return target_failure(copied.error, "write", target_path_);
    }
    return seal(before, target);
}

/// Gives the copy what the source has beside its contents, and brings it to the disk where that is asked for.
Status ItemPut::seal(const struct stat& source, const TargetFile& target) {
    const int file = target.file.get();
    mode_t mode = source.st_mode & permission_bits;
    if (!keep_owner_ || ::fchown(file, source.st_uid, source.st_gid) != 0) {
        mode &= ~identity_bits;  // They would lend another user's identity than they did.
    }
    const auto times = times_of(source);
    // What was there before may be somebody else's; what is new tells of the target.
    const bool is_targets_nature = target.is_new || tools_.has_told_of_unkept;
    Status status;
    if (::fchmod(file, mode) != 0) {
        status = unkept(errno, "set the mode of", is_targets_nature);
    }
    if (status.ok() && ::futimens(file, times.data()) != 0) {
        status = unkept(errno, "set the time of", is_targets_nature && !tools_.needs_times);
    }
    if (status.ok() && tools_.fsync && ::fsync(file) != 0) {
        status = target_failure(errno, "write to the disk", target_path_);
    }
    return status;
}

/// What becomes of an item whose mode or time the target refuses: ok, said once, where it keeps none at all.
/// `can_do_without`: what was refused is not needed, and the target may be the reason.
Status ItemPut::unkept(int error_number, std::string_view doing, bool can_do_without) {
    Status failure = target_failure(error_number, doing, target_path_);
    if (!can_do_without || !is_unkept_attribute(error_number)) {
        return failure;
    }
    if (!std::exchange(tools_.has_told_of_unkept, true)) {
        tools_.context.log(LogLevel::warning, "the target does not keep modes or times of files: " +
                                                  std::string(failure.text()));
    }
    return {};
}

Status ItemPut::publish_temp(const std::string& temp_name) {
    const Place to = tools_.target.place(target_path_);
    if (to.directory < 0) {
        return target_failure(errno, "enter the directory of", target_path_);
    }
    if (::renameat(tools_.temp.descriptor(), temp_name.c_str(), to.directory, to.name) != 0) {
        return refusal(errno, "publish", target_path_, to.directory, tools_.target);
    }
    return {};
}

Status ItemPut::creation_failure(int error_number) {
    if (request_.publish == Publish::direct) {
        const Place at = tools_.target.place(target_path_);
        return at.directory < 0 ? target_failure(error_number, "write", target_path_)
                                : refusal(error_number, "write", target_path_, at.directory, tools_.target);
    }
    const Status status = target_failure(error_number, "make a temporary file for", target_path_);
    // The temporary directory serves every item alike.
    return {status.code(), StatusScope::session, status.text(), error_number};
}

Status ItemPut::sync_directories() {
    for (const std::string& path : unsynced_directories_) {
        const FileDescriptor directory = tools_.target.open(path, O_RDONLY | O_DIRECTORY);
        if (!directory.valid() || ::fsync(directory.get()) != 0) {
            Status status = target_failure(errno, "write to the disk the directory", path);
            return Status(status.code(), StatusScope::session, status.text(), status.protocol_code())
                .with_outcome_unknown();
        }
    }
    return {};
}

/// Reports what has waited for its directory to be on the disk.
Status ItemPut::finish() {
    if (unreported_.empty()) {
        return {};
    }
    const Status synced = sync_directories();
    for (const Unreported& item : unreported_) {
        sink_.done(item.index, synced, item.report);
    }
    return synced;
}

}  // namespace mistamover::local
