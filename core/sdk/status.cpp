// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <mistamover/status.hpp>

namespace mistamover {
namespace {

/// The longest length of at most `length` at which no UTF-8 character is cut. Text that is not UTF-8 is cut
/// anywhere.
std::size_t whole_characters(std::string_view text, std::size_t length) noexcept {
    constexpr std::size_t longest_character = 4;
    for (std::size_t back = 0; back < longest_character && back < length; ++back) {
        if ((static_cast<unsigned char>(text[length - back]) & 0xC0U) != 0x80U) {
            return length - back;
        }
    }
    return length;
}

}  // namespace

Status::Status(StatusCode code, StatusScope scope, std::string_view text, std::int32_t protocol_code) noexcept
    : code_(code), scope_(scope), protocol_code_(protocol_code) {
    std::size_t length = std::min(text.size(), text_capacity);
    if (length < text.size()) {
        length = whole_characters(text, length);
    }
    std::copy_n(text.data(), length, text_);
    text_length_ = static_cast<std::uint16_t>(length);
}

std::string_view to_string(StatusCode code) noexcept {
    switch (code) {
        case StatusCode::ok:
            return "ok";
        case StatusCode::not_found:
            return "not_found";
        case StatusCode::exists:
            return "exists";
        case StatusCode::permission:
            return "permission";
        case StatusCode::authentication:
            return "authentication";
        case StatusCode::host_key:
            return "host_key";
        case StatusCode::no_space:
            return "no_space";
        case StatusCode::unreachable:
            return "unreachable";
        case StatusCode::timed_out:
            return "timed_out";
        case StatusCode::connection_lost:
            return "connection_lost";
        case StatusCode::unsupported:
            return "unsupported";
        case StatusCode::corrupt:
            return "corrupt";
        case StatusCode::local_io:
            return "local_io";
        case StatusCode::source_changed:
            return "source_changed";
        case StatusCode::cancelled:
            return "cancelled";
        case StatusCode::configuration:
            return "configuration";
        case StatusCode::internal:
            return "internal";
    }
    return "unknown";
}

std::string_view to_string(StatusScope scope) noexcept {
    switch (scope) {
        case StatusScope::item:
            return "item";
        case StatusScope::session:
            return "session";
        case StatusScope::stream:
            return "stream";
    }
    return "unknown";
}

namespace {

StatusCode code_from_errno(int error_number) noexcept {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
            return StatusCode::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return StatusCode::exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return StatusCode::permission;
        case ENOSPC:
        case EDQUOT:
            return StatusCode::no_space;
        case ECANCELED:
            return StatusCode::cancelled;
        default:
            return StatusCode::local_io;
    }
}

/// Of the whole process, machine or file system, whatever item it was met with.
bool is_not_the_items(int error_number) noexcept {
    return error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE ||
           error_number == ENOBUFS || error_number == ENOSPC || error_number == EDQUOT ||
           error_number == EROFS || error_number == ESTALE;
}

}  // namespace

Status status_from_errno(int error_number, std::string_view doing) noexcept {
    const StatusCode code = code_from_errno(error_number);
    const StatusScope scope = is_not_the_items(error_number) ? StatusScope::session : StatusScope::item;
    try {
        std::string text(doing);
        text += ": ";
        text += std::strerror(error_number);  // NOLINT(concurrency-mt-unsafe): glibc's is thread-safe
        return {code, scope, text, error_number};
    } catch (...) {
        return {code, scope, doing, error_number};
    }
}

}  // namespace mistamover
