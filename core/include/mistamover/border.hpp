// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The border between the core and a plugin: only plain values and interfaces whose methods never throw.
/// Within a major version methods are appended at the end of an interface and structs keep their size, so
/// that a plugin built against an earlier minor version goes on working. Plugin authors use
/// transfer_module.hpp, which lies on top of this.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <mistamover/options.hpp>
#include <mistamover/status.hpp>

namespace mistamover {

enum class LogLevel : std::uint8_t { debug, info, warning, error, critical };

enum class TransferMode : std::uint8_t { move, mirror };

/// `rename`: written under a temporary name and renamed into place. `direct`: written under the final name,
/// where the operator has chosen so.
enum class Publish : std::uint8_t { rename, direct };

enum class EntryKind : std::uint8_t { file, directory, symlink, other };

/// What a module, or a session after it has looked at its server, can do beyond put, get_small and stat.
enum class Capability : std::uint32_t {
    list = 1U << 0,               ///< list
    remove = 1U << 1,             ///< remove files and empty directories
    rename = 1U << 2,             ///< rename files and directories, atomically, over an existing file
    make_directory = 1U << 3,     ///< make_directory, and PutItem::path with directories in it
    publish_rename = 1U << 4,     ///< put with Publish::rename
    checksum = 1U << 5,           ///< the server computes checksums
    set_time = 1U << 6,           ///< put keeps the modification time
    free_space = 1U << 7,         ///< free_space
    resume = 1U << 8,             ///< put goes on where a broken one stopped
    mirror = 1U << 9,             ///< mirror, natively
    symlinks = 1U << 10,          ///< put of symbolic links as links
    take_source = 1U << 11,       ///< put may move the source instead of copying it
    replace_tree = 1U << 12,      ///< reserved
    get_many = 1U << 13,          ///< get_many, in fewer steps than one a file
    tells_case_apart = 1U << 14,  ///< names that differ in case alone are two, for certain
    costly_put = 1U << 15,        ///< a put costs much however little it puts, as where it starts a program
};

class Capabilities {
  public:
    constexpr Capabilities() noexcept = default;
    constexpr Capabilities(Capability capability) noexcept  // NOLINT(google-explicit-constructor)
        : bits_(static_cast<std::uint32_t>(capability)) {}
    constexpr explicit Capabilities(std::uint32_t bits) noexcept : bits_(bits) {}
    [[nodiscard]] constexpr bool has(Capability capability) const noexcept {
        return (bits_ & static_cast<std::uint32_t>(capability)) != 0;
    }
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    constexpr Capabilities operator|(Capabilities other) const noexcept {
        Capabilities sum;
        sum.bits_ = bits_ | other.bits_;
        return sum;
    }

  private:
    std::uint32_t bits_ = 0;
};
constexpr Capabilities operator|(Capability left, Capability right) noexcept {
    return Capabilities(left) | Capabilities(right);
}

/// What the core tells a module once, when it makes it. The views live only for the call.
struct ModuleSettings {
    std::string_view stream;
    std::string_view target_host;  ///< Empty where the module needs none.
    std::string_view target_dir;
    /// The only directory, relative to target_dir, in which the module may leave temporary files: a dot-name
    /// that is this stream's own. The core empties it at start and removes it when the last session is
    /// closed; the module makes it when it needs it.
    std::string_view temp_dir;
    /// An existing local directory of mode 0700 for this stream alone (control sockets, lists of files).
    std::string_view work_dir;
    std::span<const OptionValue> options;
    std::uint64_t bandwidth_limit =
        0;  ///< Bytes a second over all sessions; 0: none. See SessionContext::acquire.
    std::uint32_t parallel_sessions = 1;  ///< At most so many are open at once.
    TransferMode mode = TransferMode::move;
    Publish publish = Publish::rename;
};

/// One file, symbolic link or directory to put. A directory item makes the directory itself, not its
/// contents.
struct PutItem {
    /// Relative to the request's source_root and to its target_prefix alike; any bytes but NUL, never a
    /// leading '/', never "." or "..". Parent directories at the target exist or come earlier in the same
    /// request.
    std::string_view path;
    std::uint64_t size = 0;     ///< Bytes.
    std::int64_t mtime_ns = 0;  ///< Nanoseconds since 1970.
    std::uint64_t device = 0;   ///< st_dev of the source, to notice that it was replaced.
    std::uint64_t inode = 0;    ///< st_ino likewise.
    std::uint32_t mode = 0;     ///< Permission bits.
    EntryKind kind = EntryKind::file;
};

struct PutRequest {
    std::string_view source_root;    ///< Absolute.
    std::string_view target_prefix;  ///< Empty, or an existing directory relative to target_dir.
    std::span<const PutItem> items;
    Publish publish = Publish::rename;
    /// The module may move the source to the target instead of copying it, where that is atomic, and says so
    /// in PutReport::source_taken.
    bool may_take_source = false;
};

struct PutReport {
    std::uint64_t bytes_sent = 0;  ///< Bytes of content that this put has brought there.
    bool source_taken = false;     ///< See PutRequest::may_take_source.
};

/// Receives the end of each item of a put, in any order, on the thread that called put. An item that was not
/// reported when put returns counts as not sent, its outcome unknown.
class PutSink {
  public:
    virtual void done(std::size_t index, const Status& status, const PutReport& report) noexcept = 0;

  protected:
    ~PutSink() = default;
};

struct EntryInfo {
    std::uint64_t size = 0;  ///< Bytes; of a file alone.
    std::int64_t mtime_ns =
        0;  ///< Nanoseconds since 1970, at mtime_precision_ns; meaningless where that is 0.
    std::int64_t mtime_precision_ns = 0;
    std::uint32_t mode = 0;  ///< Permission bits, 0 where not known.
    EntryKind kind = EntryKind::file;
};

/// Receives one answer a name, in any order, on the thread that called stat. `status` is ok, not_found, or
/// says why it cannot be told; a name without an answer when stat returns cannot be told either. `exists`
/// means that there is something, which the target calls otherwise: it takes the two names for one. `info`
/// counts only where `status` is ok.
class StatSink {
  public:
    virtual void entry(std::size_t index, const Status& status, const EntryInfo& info) noexcept = 0;

  protected:
    ~StatSink() = default;
};

/// Receives the entries of one directory, in any order, on the thread that called list. `name` is one element
/// of a path, relative to the directory that is listed, and lives for the call of entry. Where list fails,
/// what it was told counts for nothing.
class ListSink {
  public:
    virtual void entry(std::string_view name, const EntryInfo& info) noexcept = 0;

  protected:
    ~ListSink() = default;
};

/// Receives the end of each name of a remove, in any order, on the thread that called it. A name that was not
/// there is ok; a directory that is not empty is `exists`, or `permission` where the server does not tell
/// why.
class RemoveSink {
  public:
    virtual void done(std::size_t index, const Status& status) noexcept = 0;

  protected:
    ~RemoveSink() = default;
};

/// Receives what a get_small or a checksum gives, on the thread that called it: in one piece or in several,
/// from the first byte to the last. `data` lives for the call of bytes. An empty file needs no call. Where
/// the method fails, what was received counts for nothing.
class BytesSink {
  public:
    virtual void bytes(std::string_view data) noexcept = 0;

  protected:
    ~BytesSink() = default;
};

/// Receives one answer a path of a get_many, in any order, on the thread that called it. `data` is the whole
/// file where `status` is ok, and lives for the call of got.
class GetSink {
  public:
    virtual void got(std::size_t index, const Status& status, std::string_view data) noexcept = 0;

  protected:
    ~GetSink() = default;
};

/// Makes the target directory equal to the source directory in one go.
struct MirrorRequest {
    std::string_view source_root;  ///< Absolute.
    /// Paths relative to source_root, of files and directories that are neither sent nor deleted.
    std::span<const std::string_view> excluded;
    bool remove_vanished = true;
    std::uint64_t max_remove = UINT64_MAX;  ///< Fail, and remove nothing beyond it, where more have vanished.
    std::span<const std::string_view> excluded_globs =
        {};  ///< Shell patterns, matched against top-level names.
    std::span<const std::string_view> included_globs =
        {};  ///< Where not empty, only top-level names that match.
};

/// Receives what a mirror does, as it does it, in any order, on the thread that called it. Paths are relative
/// to the source_root and to target_dir alike, and live for the call. What is equal already is not told.
class MirrorSink {
  public:
    /// A file was sent, or a directory or link made. `bytes`: of a file's content; else 0.
    virtual void sent(std::string_view path, std::uint64_t bytes) noexcept = 0;
    /// It had vanished from the source, and is not at the target any more.
    virtual void removed(std::string_view path) noexcept = 0;
    /// This one could not be sent or removed, and the others go on.
    virtual void failed(std::string_view path, const Status& status) noexcept = 0;

  protected:
    ~MirrorSink() = default;
};

namespace border {

/// What a session may ask of the core. Lives longer than the session; callable from the session's thread, and
/// from threads that the session starts.
class SessionContext {
  public:
    /// One record for `<plugin>_<stream>.log`.
    virtual void log(LogLevel level, std::string_view text) noexcept = 0;
    /// True once the present call should be given up: it then returns `cancelled` soon, leaving nothing
    /// partial under a final name, unless Publish::direct has put it there.
    virtual bool cancelled() const noexcept = 0;
    /// Readable once cancelled() is true; for poll(2). Owned by the core.
    virtual int cancel_fd() const noexcept = 0;
    /// How long a call may go without progress before it should return `timed_out`, in milliseconds.
    virtual std::int64_t stall_timeout_ms() const noexcept = 0;
    /// Waits until `bytes` more may be sent under the stream's bandwidth limit, or until cancelled.
    virtual void acquire(std::uint64_t bytes) noexcept = 0;
    /// `bytes` more of the present put have been sent: for progress display and for noticing a hung transfer.
    virtual void progress(std::uint64_t bytes) noexcept = 0;

  protected:
    ~SessionContext() = default;
};

class Session {
  public:
    virtual Capabilities call_capabilities() noexcept = 0;
    virtual Status call_put(const PutRequest& request, PutSink& sink) noexcept = 0;
    virtual Status call_stat(std::span<const std::string_view> paths, StatSink& sink) noexcept = 0;
    virtual Status call_get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) noexcept = 0;
    virtual Status call_list(std::string_view path, ListSink& sink) noexcept = 0;
    virtual Status call_remove(std::span<const std::string_view> paths, RemoveSink& sink) noexcept = 0;
    virtual Status call_rename(std::string_view from, std::string_view to) noexcept = 0;
    virtual Status call_make_directory(std::string_view path) noexcept = 0;
    virtual Status call_checksum(std::string_view path, std::string_view algorithm,
                                 BytesSink& sink) noexcept = 0;
    virtual Status call_free_space(std::uint64_t& bytes) noexcept = 0;
    virtual Status call_mirror(const MirrorRequest& request, MirrorSink& sink) noexcept = 0;
    /// Ends the session and destroys the object.
    virtual void release() noexcept = 0;
    /// Since 1.1; called only where the capabilities have get_many, which no earlier plugin's do.
    virtual Status call_get_many(std::span<const std::string_view> paths, std::uint64_t limit,
                                 GetSink& sink) noexcept = 0;

  protected:
    ~Session() = default;
};

class Module {
  public:
    /// Makes a live connection. On success `session` is the caller's, to be ended by release().
    virtual Status call_open_session(SessionContext& context, Session*& session) noexcept = 0;
    /// Destroys the object, after its last session.
    virtual void release() noexcept = 0;

  protected:
    ~Module() = default;
};

}  // namespace border
}  // namespace mistamover
