// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mistamover::ftp {

/// One answer of the server.
struct Reply {
    int code = 0;                    ///< 100 to 599.
    std::vector<std::string> lines;  ///< Without the code of the first and the last line; never empty.

    [[nodiscard]] bool preliminary() const noexcept { return code / 100 == 1; }
    [[nodiscard]] bool completed() const noexcept { return code / 100 == 2; }
    [[nodiscard]] bool intermediate() const noexcept { return code / 100 == 3; }
    /// Another time it may be otherwise.
    [[nodiscard]] bool passing_failure() const noexcept { return code / 100 == 4; }
    [[nodiscard]] bool permanent_failure() const noexcept { return code / 100 == 5; }
};

/// Cuts what arrives on the control connection into replies, those of several lines included.
class ReplyParser {
  public:
    void feed(std::string_view bytes) { buffer_ += bytes; }
    /// The next complete reply. Throws std::runtime_error where what has arrived is no reply, or has no end.
    std::optional<Reply> take();
    /// Whether all that has arrived was taken.
    [[nodiscard]] bool empty() const noexcept { return buffer_.empty(); }

  private:
    bool take_line(std::string& line);

    std::string buffer_;
    Reply unfinished_;
    std::size_t unfinished_bytes_ = 0;
};

/// The port in a reply to EPSV ("Entering Extended Passive Mode (|||6446|)").
std::optional<std::uint16_t> epsv_port(std::string_view text);
/// The port in a reply to PASV ("Entering Passive Mode (127,0,0,1,25,46)"). The address is not looked at: the
/// server is where the control connection leads.
std::optional<std::uint16_t> pasv_port(std::string_view text);
/// The number in a reply to SIZE.
std::optional<std::uint64_t> size_of(const Reply& reply);

/// The text with "***" for every occurrence of `secret`; as it is where that is empty.
std::string without_secret(std::string_view text, std::string_view secret);

/// The path in a reply to PWD: `257 "/a ""quoted"" one" is here`.
std::optional<std::string> quoted_path(std::string_view text);
/// The word of `digits` hexadecimal digits in a reply to HASH, XMD5 and the like about `path`, in lower case,
/// outside of what shows the path. Nothing where there are more than one such word, or none.
std::optional<std::string> digest_in(const Reply& reply, std::size_t digits, std::string_view path = {});
/// Whether such a reply shows a word that is of the path, too: then the name keeps it from being understood.
bool shows_digest_of_path(const Reply& reply, std::size_t digits, std::string_view path);

/// What a server says in its reply to FEAT.
struct Features {
    bool mlst = false;
    bool mdtm = false;
    bool mfmt = false;
    bool size = false;
    bool rest_stream = false;
    bool utf8 = false;
    bool epsv = false;
    bool md5 = false;          ///< XMD5, or HASH with MD5.
    bool sha256 = false;       ///< XSHA256, or HASH with SHA-256.
    bool hash_md5 = false;     ///< By HASH.
    bool hash_sha256 = false;  ///< By HASH.
};
Features features_in(const Reply& reply);

}  // namespace mistamover::ftp
