// SPDX-License-Identifier: BSD-3-Clause
#include "local/failure.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "local/tree.hpp"

namespace mistamover::local {
namespace {

bool file_system_is_gone(int error_number) {
    switch (error_number) {
        case EIO:
        case ESTALE:
        case ENODEV:
        case ENXIO:
        case ENOTCONN:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ETIMEDOUT:
            return true;
        default:
            return false;
    }
}

bool process_is_short_of_something(int error_number) {
    return error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM;
}

}  // namespace

Status target_failure(int error_number, std::string_view doing, std::string_view path) {
    std::string what(doing);
    what += ' ';
    what += path;
    const std::string text = what + ": " + text_of(error_number);
    if (error_number == EROFS) {
        return {StatusCode::permission, StatusScope::session, text, error_number};
    }
    if (file_system_is_gone(error_number)) {
        return {StatusCode::unreachable, StatusScope::session, text, error_number};
    }
    if (process_is_short_of_something(error_number)) {
        return {StatusCode::local_io, StatusScope::session, text, error_number};
    }
    if (error_number == EISDIR) {
        return {StatusCode::exists, StatusScope::item, text, error_number};
    }
    return status_from_errno(error_number, what);
}

Status refusal(int error_number, std::string_view doing, std::string_view path, int directory,
               const Tree& target) {
    if ((error_number == EACCES || error_number == EPERM) &&
        ::faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return {StatusCode::permission, StatusScope::session,
                "the directory of " + std::string(path) + " in " + target.path() + " is not writable",
                error_number};
    }
    return target_failure(error_number, doing, path);
}

bool is_unkept_attribute(int error_number) noexcept {
    return error_number == EPERM || error_number == EOPNOTSUPP;
}

}  // namespace mistamover::local
