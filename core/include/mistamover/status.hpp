// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace mistamover {

/// What happened. The core decides what to do from this and the scope alone; the text is for people.
enum class StatusCode : std::uint16_t {
    ok,
    not_found,
    exists,
    permission,
    authentication,
    host_key,
    no_space,
    unreachable,
    timed_out,
    connection_lost,
    unsupported,
    corrupt,
    local_io,
    source_changed,
    cancelled,
    configuration,
    internal,
};

/// How far a failure reaches. `item`: this item only, the next may succeed; it counts against the item's
/// retries. `session`: this connection or host; it never counts against an item, the core opens another
/// session after a delay. `stream`: nothing will succeed until the configuration or the host changes; the
/// core stops trying.
enum class StatusScope : std::uint16_t { item, session, stream };

/// The result of every call across the plugin border. A plain value: it owns nothing, so it may cross the
/// border in both directions and be kept by either side.
class Status {
  public:
    /// Success.
    Status() noexcept = default;

    /// A failure. `text` says in one line what failed and what the peer said; it is cut at `text_capacity`
    /// bytes, between two UTF-8 characters, and must hold no secret.
    Status(StatusCode code, StatusScope scope, std::string_view text,
           std::int32_t protocol_code = 0) noexcept;

    [[nodiscard]] bool ok() const noexcept { return code_ == StatusCode::ok; }
    [[nodiscard]] StatusCode code() const noexcept { return code_; }
    [[nodiscard]] StatusScope scope() const noexcept { return scope_; }
    [[nodiscard]] std::string_view text() const noexcept { return {text_, text_length_}; }

    /// The protocol's own number (an FTP reply, an rsync exit code, an errno), or 0.
    [[nodiscard]] std::int32_t protocol_code() const noexcept { return protocol_code_; }

    /// False where the call may have taken effect though it failed (the answer was lost). The core then looks
    /// at the target before it does anything else.
    [[nodiscard]] bool outcome_known() const noexcept { return outcome_known_ != 0; }
    Status& with_outcome_unknown() noexcept {
        outcome_known_ = 0;
        return *this;
    }

    /// True where this failure says nothing of the item that it was met with: it is the session's or the
    /// stream's, or the work was given up.
    [[nodiscard]] bool beyond_item() const noexcept {
        return !ok() && (scope_ != StatusScope::item || code_ == StatusCode::cancelled);
    }

    /// The same, but a failure of an item as one of the session: where it is not the item that it is about.
    [[nodiscard]] Status of_session() const noexcept {
        Status status = *this;
        if (!ok() && scope_ == StatusScope::item) {
            status.scope_ = StatusScope::session;
        }
        return status;
    }

    static constexpr std::size_t text_capacity = 496;

  private:
    StatusCode code_ = StatusCode::ok;
    StatusScope scope_ = StatusScope::item;
    std::int32_t protocol_code_ = 0;
    std::uint16_t outcome_known_ = 1;
    std::uint16_t text_length_ = 0;
    char text_[text_capacity] = {};
};
static_assert(std::is_trivially_copyable_v<Status>);

/// "not_found", "host_key" and so on: the names used in logs and `status --json`.
std::string_view to_string(StatusCode code) noexcept;
std::string_view to_string(StatusScope scope) noexcept;

/// The Status of a local system call that failed with `error_number` while `doing` ("open /data/x"):
/// no_space, permission, not_found, exists or local_io. Of item scope, but of session scope where it is not
/// the file's fault: no_space, a lack of memory or descriptors, a read-only file system, a stale handle.
Status status_from_errno(int error_number, std::string_view doing) noexcept;

}  // namespace mistamover
