// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// What a plugin author implements: a TransferModule that opens Sessions. Exceptions may be thrown freely;
/// the glue in these classes, compiled into the plugin, turns them into a Status before they reach the core:
/// a StatusError into its own, anything else into `internal` (stream scope from a module's constructor,
/// session scope from open_session, else item scope). Paths given to a session are relative to the stream's
/// target_dir.

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include <mistamover/border.hpp>

namespace mistamover {

using SessionContext = border::SessionContext;

/// Thrown by a module or session where returning a Status is unhandy.
class StatusError : public std::runtime_error {
  public:
    explicit StatusError(const Status& status)
        : std::runtime_error(std::string(status.text())), status_(status) {}
    [[nodiscard]] const Status& status() const noexcept { return status_; }

  private:
    Status status_;
};

namespace detail {

/// `scope` is that of an exception that does not say its own.
template <typename Call>
Status guarded(Call&& call, StatusScope scope = StatusScope::item) noexcept {
    try {
        return call();
    } catch (const StatusError& error) {
        return error.status();
    } catch (const std::exception& error) {
        return {StatusCode::internal, scope, error.what()};
    } catch (...) {
        return {StatusCode::internal, scope, "the module threw something that is not an exception"};
    }
}

inline Status unsupported(const char* what) noexcept {
    return {StatusCode::unsupported, StatusScope::item, what};
}

/// Passes on the one file of a get_many.
class OneOfMany final : public GetSink {
  public:
    explicit OneOfMany(BytesSink& sink) noexcept : sink_(sink) {}
    void got(std::size_t /*index*/, const Status& status, std::string_view data) noexcept override {
        if (status.ok()) {
            sink_.bytes(data);
        }
        status_ = status;
    }
    [[nodiscard]] const Status& status() const noexcept { return status_; }

  private:
    BytesSink& sink_;
    Status status_{StatusCode::internal, StatusScope::item, "the module did not answer for the file"};
};

}  // namespace detail

/// A live connection to the target, used by one thread at a time, kept and used again. `put`, `stat` and
/// `get_small` are required; the others are called only where `capabilities` has the bit. A call that fails
/// with session scope ends the session: the core releases it and opens another.
class Session : public border::Session {
  public:
    virtual ~Session() = default;

    /// What this server can do; asked once, right after the session was opened.
    virtual Capabilities capabilities() = 0;

    /// Sends each item and publishes it as the request says; replaces an existing file of that name,
    /// atomically with Publish::rename. Reports each item as it ends: ok only once the item is complete under
    /// its final name. The return value is ok, or the failure that kept the unreported items from being
    /// tried.
    virtual Status put(const PutRequest& request, PutSink& sink) = 0;

    /// Looks at each path, following no link. A path where nothing is gets `not_found` in the sink. The
    /// return value is ok, or the failure that kept the paths without an answer from being looked at.
    virtual Status stat(std::span<const std::string_view> paths, StatSink& sink) = 0;

    /// Reads a whole file of at most `limit` bytes; a longer one is `unsupported`, one that is not there
    /// `not_found`.
    virtual Status get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) = 0;

    /// Lists one directory ("" is target_dir), dot-files included, "." and ".." not, in any order. The return
    /// value is ok only where the sink was told of every entry; `not_found` where there is no such directory.
    virtual Status list(std::string_view /*path*/, ListSink& /*sink*/) { return detail::unsupported("list"); }
    /// Removes files, links and empty directories, in the order given, and reports each as RemoveSink says.
    /// The return value is ok, whatever was reported of single paths, or the failure that kept the others
    /// from being tried.
    virtual Status remove(std::span<const std::string_view> /*paths*/, RemoveSink& /*sink*/) {
        return detail::unsupported("remove");
    }
    /// Replaces an existing file; `exists` where `to` is a directory that is not empty.
    virtual Status rename(std::string_view /*from*/, std::string_view /*to*/) {
        return detail::unsupported("rename");
    }
    /// `exists` where something of that name is there already.
    virtual Status make_directory(std::string_view /*path*/) { return detail::unsupported("make_directory"); }
    /// The lower-case hexadecimal digest of a file: "md5", "sha256" or "blake2b512"; `unsupported` where the
    /// server cannot compute that one.
    virtual Status checksum(std::string_view /*path*/, std::string_view /*algorithm*/, BytesSink& /*sink*/) {
        return detail::unsupported("checksum");
    }
    /// How many bytes this user may still write at target_dir; counts only where the return value is ok.
    virtual Status free_space(std::uint64_t& /*bytes*/) { return detail::unsupported("free_space"); }
    /// Makes target_dir equal to the source as the request says, tells the sink of all that it does, and goes
    /// on after the failure of one path, which goes to MirrorSink::failed. The return value is ok where
    /// nothing else failed, also after that; an item failure where the pass as a whole is not complete
    /// (`configuration` beyond max_remove); `source_changed` where something vanished meanwhile, whereupon
    /// another pass follows; or what ended the session.
    virtual Status mirror(const MirrorRequest& /*request*/, MirrorSink& /*sink*/) {
        return detail::unsupported("mirror");
    }

    /// get_small for each path. The return value is ok, or the failure that kept those without an answer from
    /// being read.
    virtual Status get_many(std::span<const std::string_view> /*paths*/, std::uint64_t /*limit*/,
                            GetSink& /*sink*/) {
        return detail::unsupported("get_many");
    }

    Capabilities call_capabilities() noexcept final {
        Capabilities found;
        (void)detail::guarded([&] {
            found = capabilities();
            return Status{};
        });
        return found;
    }
    Status call_put(const PutRequest& request, PutSink& sink) noexcept final {
        return detail::guarded([&] { return put(request, sink); });
    }
    Status call_stat(std::span<const std::string_view> paths, StatSink& sink) noexcept final {
        return detail::guarded([&] { return stat(paths, sink); });
    }
    Status call_get_small(std::string_view path, std::uint64_t limit, BytesSink& sink) noexcept final {
        return detail::guarded([&] { return get_small(path, limit, sink); });
    }
    Status call_list(std::string_view path, ListSink& sink) noexcept final {
        return detail::guarded([&] { return list(path, sink); });
    }
    Status call_remove(std::span<const std::string_view> paths, RemoveSink& sink) noexcept final {
        return detail::guarded([&] { return remove(paths, sink); });
    }
    Status call_rename(std::string_view from, std::string_view to) noexcept final {
        return detail::guarded([&] { return rename(from, to); });
    }
    Status call_make_directory(std::string_view path) noexcept final {
        return detail::guarded([&] { return make_directory(path); });
    }
    Status call_checksum(std::string_view path, std::string_view algorithm, BytesSink& sink) noexcept final {
        return detail::guarded([&] { return checksum(path, algorithm, sink); });
    }
    Status call_free_space(std::uint64_t& bytes) noexcept final {
        return detail::guarded([&] { return free_space(bytes); });
    }
    Status call_mirror(const MirrorRequest& request, MirrorSink& sink) noexcept final {
        return detail::guarded([&] { return mirror(request, sink); });
    }
    void release() noexcept final { delete this; }
    Status call_get_many(std::span<const std::string_view> paths, std::uint64_t limit,
                         GetSink& sink) noexcept final {
        return detail::guarded([&] { return get_many(paths, limit, sink); });
    }

  protected:
    /// get_small by this session's get_many; `internal` where that ends well and has told nothing of the
    /// file.
    Status get_one_of_many(std::string_view path, std::uint64_t limit, BytesSink& sink) {
        detail::OneOfMany one(sink);
        const Status status = get_many({&path, 1}, limit, one);
        return status.ok() ? one.status() : status;
    }
};

/// A stream's use of the plugin, made once a process. Its constructor reads the settings, which are already
/// valid by the schema, and throws StatusError (`configuration`, stream scope) where they do not fit
/// together; it connects to nothing. open_session is called from several threads.
class TransferModule : public border::Module {
  public:
    virtual ~TransferModule() = default;

    /// Connects; never returns nullptr. `context` outlives the session.
    virtual std::unique_ptr<Session> open_session(SessionContext& context) = 0;

    Status call_open_session(SessionContext& context, border::Session*& session) noexcept final {
        session = nullptr;
        return detail::guarded(
            [&] {
                session = open_session(context).release();
                return session != nullptr ? Status{}
                                          : Status{StatusCode::internal, StatusScope::session,
                                                   "the module opened no session and gave no reason"};
            },
            StatusScope::session);
    }
    void release() noexcept final { delete this; }
};

}  // namespace mistamover
