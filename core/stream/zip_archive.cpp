// SPDX-License-Identifier: BSD-3-Clause
#include "stream/zip_archive.hpp"

#include <Poco/DateTime.h>
#include <Poco/Exception.h>
#include <Poco/FileStream.h>
#include <Poco/TextConverter.h>
#include <Poco/Timestamp.h>
#include <Poco/UTF8Encoding.h>
#include <Poco/Zip/Compress.h>
#include <Poco/Zip/ZipArchive.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <istream>
#include <streambuf>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>
#include <mistamover/units.hpp>

#include "process/unique_fd.hpp"

namespace mistamover::stream {
namespace {

using Poco::Zip::ZipCommon;

/// With less than that a disk is full.
constexpr std::uint64_t room_to_go_on = 1 << 20;
constexpr std::uint64_t heads_of_entry = 256;  // in both places where it is told of, but for the names

[[noreturn]] void refuse(StatusCode code, const std::string& text) {
    throw StatusError({code, StatusScope::item, text});
}

// Whether the zip file may be written on. It is asked all the time, and asks the disk from time to time.
class Permission {
  public:
    Permission(const Manifest& manifest, std::filesystem::path directory,
               const std::function<bool()>& cancelled, const ZipRoom& room)
        : directory_(std::move(directory)),
          cancelled_(cancelled),
          disk_space_(room.disk),
          most_(most_zip_bytes(manifest)) {
        const std::filesystem::space_info disk = disk_space_(directory_);
        // Where others lack room already, whatever can go must.
        const std::uint64_t kept_for_others = disk.available < room.kept_free ? 0 : room.kept_free;
        const std::uint64_t least = std::max(room_to_go_on, kept_for_others);
        const bool fits = disk.available >= most_ + least;
        // All of the zip file's own directory is still to come then.
        kept_free_ =
            fits ? least : std::max(zip_reserve(disk.capacity), room.kept_free) + directory_bytes(manifest);
    }

    /// Of what comes into the zip file.
    void count(std::uint64_t bytes) { uncounted_ += bytes; }
    [[nodiscard]] Status ask() {
        constexpr std::uint64_t bytes_between = 1 << 20;
        if (cancelled_()) {
            return status_from_errno(ECANCELED, "write a zip file");
        }
        if (has_asked_ && uncounted_ < bytes_between) {
            return {};
        }
        has_asked_ = true;
        uncounted_ = 0;
        const std::uint64_t free = disk_space_(directory_).available;
        if (free >= kept_free_) {
            return {};
        }
        return {StatusCode::no_space, StatusScope::item,
                "there is no room in the stream's directory for its zip file, which may take " +
                    format_size(ByteCount{most_}) + ": " + format_size(ByteCount{free}) +
                    " are free, of which " + format_size(ByteCount{kept_free_}) + " are to stay free"};
    }

  private:
    static std::uint64_t directory_bytes(const Manifest& manifest) {
        std::uint64_t bytes = 0;
        for (const ManifestEntry& entry : manifest.entries) {
            bytes += heads_of_entry / 2 + entry.path.size();
        }
        return bytes;
    }

    std::filesystem::path directory_;
    const std::function<bool()>& cancelled_;
    const DiskSpace& disk_space_;
    std::uint64_t most_;
    std::uint64_t kept_free_ = 0;
    std::uint64_t uncounted_ = 0;
    bool has_asked_ = false;
};

// A file that was opened relative to a directory, as a stream. A failure ends it early.
class FileBuffer final : public std::streambuf {
  public:
    FileBuffer(int directory_fd, const std::string& path, Permission& permission)
        : path_(path),
          permission_(permission),
          file_(::openat(directory_fd, path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)) {
        if (!file_.valid()) {
            throw StatusError(status_from_errno(errno, "open " + path));
        }
    }

    /// Why it has ended before its end; ok where it has not.
    [[nodiscard]] const Status& failure() const noexcept { return failure_; }

  protected:
    int_type underflow() override {
        if (failure_.ok()) {
            failure_ = permission_.ask();
        }
        if (!failure_.ok()) {
            return traits_type::eof();
        }
        ssize_t length = 0;
        while ((length = ::read(file_.get(), buffer_.data(), buffer_.size())) < 0 && errno == EINTR) {
        }
        if (length < 0) {
            failure_ = status_from_errno(errno, "read " + path_);
        }
        if (length <= 0) {
            return traits_type::eof();
        }
        permission_.count(static_cast<std::uint64_t>(length));
        setg(buffer_.data(), buffer_.data(), buffer_.data() + length);
        return traits_type::to_int_type(buffer_.front());
    }

  private:
    const std::string& path_;
    Permission& permission_;
    process::UniqueFd file_;
    Status failure_;
    std::array<char, 256UL * 1024> buffer_{};
};

class UnfinishedFile {
  public:
    explicit UnfinishedFile(std::filesystem::path path) : path_(std::move(path)) {}
    UnfinishedFile(const UnfinishedFile&) = delete;
    UnfinishedFile& operator=(const UnfinishedFile&) = delete;
    ~UnfinishedFile() {
        std::error_code ignored;
        if (!path_.empty()) {
            std::filesystem::remove(path_, ignored);
        }
    }
    void keep() { path_.clear(); }

  private:
    std::filesystem::path path_;
};

// The older form counts bytes in 32 bits and entries in 16.
bool needs_zip64(const Manifest& manifest) {
    constexpr std::uint64_t safe_bytes = 4'000'000'000;
    constexpr std::size_t safe_entries = 65'000;
    return manifest.bytes > safe_bytes || manifest.entries.size() > safe_entries;
}

// Built from its parts, since the parser of a whole path gives a meaning to a leading tilde.
Poco::Path zip_path(const std::string& path, EntryKind kind) {
    Poco::Path result;
    std::size_t from = 0;
    for (std::size_t slash = 0; (slash = path.find('/', from)) != std::string::npos; from = slash + 1) {
        result.pushDirectory(path.substr(from, slash - from));
    }
    if (kind == EntryKind::directory) {
        result.pushDirectory(path.substr(from));
    } else {
        result.setFileName(path.substr(from));
    }
    return result;
}

Poco::DateTime date_time(std::int64_t mtime_ns) {
    constexpr std::int64_t per_microsecond = 1000;
    const Poco::DateTime earliest(1980, 1, 1);  // that the format can hold
    return std::max(earliest, Poco::DateTime(Poco::Timestamp(mtime_ns / per_microsecond)));
}

// The format says that names are UTF-8, readers refuse the whole file where one is not, and some take a
// backslash for a slash.
bool can_be_named(const std::string& path) {
    const Poco::UTF8Encoding encoding;
    std::string converted;
    return path.find('\\') == std::string::npos &&
           Poco::TextConverter(encoding, encoding).convert(path, converted) == 0;
}

Status writing_failure(const std::filesystem::path& zip_file, const std::string& reason) {
    struct statvfs disk {};
    const bool full = ::statvfs(zip_file.parent_path().c_str(), &disk) == 0 &&
                      std::uint64_t{disk.f_bavail} * disk.f_frsize < room_to_go_on;
    const std::string text = "write " + zip_file.string() + ": " + reason;
    return {full ? StatusCode::no_space : StatusCode::local_io, StatusScope::item, text};
}

void demand(Permission& permission) {
    if (const Status status = permission.ask(); !status.ok()) {
        throw StatusError(status);
    }
}

void add_entries(int directory_fd, const Manifest& manifest, Poco::Zip::Compress& zip,
                 Permission& permission) {
    for (const ManifestEntry& entry : manifest.entries) {
        permission.count(heads_of_entry + 2 * entry.path.size());
        demand(permission);
        if (!can_be_named(entry.path)) {
            refuse(StatusCode::unsupported, entry.path +
                                                " has a name that a zip file cannot hold, one with a "
                                                "backslash or not in UTF-8: use outgoing.directories: tree");
        }
        const Poco::Path path = zip_path(entry.path, entry.identity.kind);
        if (entry.identity.kind == EntryKind::directory) {
            zip.addDirectory(path, date_time(entry.identity.mtime_ns));
        } else if (entry.identity.kind == EntryKind::file) {
            FileBuffer buffer(directory_fd, entry.path, permission);
            std::istream stream(&buffer);
            zip.addFile(stream, date_time(entry.identity.mtime_ns), path, ZipCommon::CM_DEFLATE,
                        ZipCommon::CL_FAST);
            if (!buffer.failure().ok()) {
                throw StatusError(buffer.failure());
            }
        } else {
            refuse(StatusCode::unsupported,
                   entry.path +
                       " is neither a file nor a directory, and a zip file holds only those: use "
                       "outgoing.directories: tree");
        }
    }
}

void check_unchanged(int directory_fd, const Manifest& manifest) {
    const std::string& name = manifest.entries.front().path;
    if (!is_unchanged(directory_fd, name, manifest)) {
        throw StatusError(source_changed(name));
    }
}

// Of a source that has not changed: what is missing then will be missing the next time, too.
void check_complete(const Manifest& manifest, const std::filesystem::path& zip_file) {
    std::ifstream stream(zip_file, std::ios::binary);
    const Poco::Zip::ZipArchive archive(stream);
    std::unordered_map<std::string, std::uint64_t> sizes;
    for (auto header = archive.headerBegin(); header != archive.headerEnd(); ++header) {
        sizes.emplace(header->first, header->second.getUncompressedSize());
    }
    for (const ManifestEntry& entry : manifest.entries) {
        if (entry.identity.kind != EntryKind::file) {
            continue;
        }
        const auto found = sizes.find(entry.path);
        if (found == sizes.end() || found->second != entry.identity.size) {
            refuse(StatusCode::local_io, entry.path + " did not get into the zip file as it is");
        }
    }
}

}  // namespace

// What deflate cannot compress it stores in blocks of 16 KB, each with a head of its own.
std::uint64_t most_zip_bytes(const Manifest& manifest) {
    constexpr std::uint64_t growth = 1024;  // one byte in so many, more than the blocks' heads
    std::uint64_t bytes = manifest.bytes + manifest.bytes / growth;
    for (const ManifestEntry& entry : manifest.entries) {
        bytes += heads_of_entry + 2 * entry.path.size();
    }
    return bytes;
}

std::uint64_t zip_reserve(std::uint64_t disk_bytes) {
    constexpr std::uint64_t part = 100;
    constexpr std::uint64_t least = 16ULL << 20;
    constexpr std::uint64_t most = 1ULL << 30;
    return std::clamp(disk_bytes / part, least, most);
}

std::filesystem::space_info space_on_disk(const std::filesystem::path& directory) {
    std::error_code error;
    const std::filesystem::space_info disk = std::filesystem::space(directory, error);
    constexpr std::uintmax_t enough = UINTMAX_MAX;
    return error || disk.capacity == 0 ? std::filesystem::space_info{enough, enough, enough} : disk;
}

Identity write_zip(int directory_fd, const Manifest& manifest, const std::filesystem::path& zip_file,
                   const std::function<bool()>& cancelled, const ZipRoom& room) {
    Permission permission(manifest, zip_file.parent_path(), cancelled, room);
    demand(permission);
    UnfinishedFile unfinished(zip_file);
    try {
        Poco::FileOutputStream stream(zip_file.string(), std::ios::binary | std::ios::trunc);
        Poco::Zip::Compress zip(stream, true, needs_zip64(manifest));
        add_entries(directory_fd, manifest, zip, permission);
        zip.close();
        stream.close();
        if (!stream.good()) {
            throw StatusError(writing_failure(zip_file, "it could not be written to its end"));
        }
        check_unchanged(directory_fd, manifest);
        check_complete(manifest, zip_file);
    } catch (const Poco::Exception& error) {
        throw StatusError(writing_failure(zip_file, error.displayText()));
    }
    struct stat info {};
    if (::lstat(zip_file.c_str(), &info) != 0) {
        throw StatusError(status_from_errno(errno, "look at " + zip_file.string()));
    }
    unfinished.keep();
    return identity_of(info);
}

}  // namespace mistamover::stream
