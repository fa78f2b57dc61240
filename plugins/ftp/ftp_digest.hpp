// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

#include <mistamover/source_file.hpp>

#include "ftp/ftp_control.hpp"

namespace mistamover::ftp {

/// Whether the server can compute this digest: "md5" or "sha256".
bool can_compute(const Features& features, std::string_view algorithm);

/// What the server says when it is asked for the digest of a file, for which it is given more time the larger
/// that is.
Reply ask_for_digest(Control& control, std::string_view path, std::string_view algorithm);
/// The digest in such a reply, in lower-case hexadecimal digits.
std::optional<std::string> digest_of(const Reply& reply, std::string_view path, std::string_view algorithm);
/// The Status of such a reply that has completed without a digest: the server can compute none of this kind,
/// whatever it offers, unless it is the name that keeps the digest from being told.
Status no_digest(const Reply& reply, std::string_view path, std::string_view algorithm);
/// Of a server that cannot compute this one.
Status cannot_compute(std::string_view algorithm, std::string_view why);

/// The same of a source's first `size` bytes; empty, which equals none, where it cannot be read or this
/// machine's OpenSSL refuses to compute that, as where FIPS is in force. Throws StatusError, `cancelled`,
/// once `asker` is to give up.
std::string source_digest(SessionContext& asker, SourceFile& source, std::uint64_t size,
                          std::string_view algorithm);

}  // namespace mistamover::ftp
