// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_digest.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/evp.h>
#include <span>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::size_t digest_piece = 256UL * 1024;
// A slow disk reads faster than that.
constexpr std::uint64_t bytes_per_ms = 10'000;

bool is_md5(std::string_view algorithm) {
    return algorithm == "md5";
}

std::size_t digits_of(std::string_view algorithm) {
    return is_md5(algorithm) ? 32 : 64;
}

/// Lower-case.
std::string hexadecimal(std::span<const unsigned char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

}  // namespace

bool can_compute(const Features& features, std::string_view algorithm) {
    return is_md5(algorithm) ? features.md5 : algorithm == "sha256" && features.sha256;
}

Reply ask_for_digest(Control& control, std::string_view path, std::string_view algorithm) {
    const Features& features = control.features();
    const bool md5 = is_md5(algorithm);
    std::string command = md5 ? "XMD5" : "XSHA256";
    if (md5 ? features.hash_md5 : features.hash_sha256) {
        control.queue(md5 ? "OPTS HASH MD5" : "OPTS HASH SHA-256", [](const Reply&) {});
        command = "HASH";
    }
    std::uint64_t size = 0;
    control.queue(control.with_path("SIZE", path),
                  [&](const Reply& reply) { size = size_of(reply).value_or(0); });
    control.exchange();
    return control.call(control.with_path(command, path), std::chrono::milliseconds(size / bytes_per_ms));
}

std::optional<std::string> digest_of(const Reply& reply, std::string_view path, std::string_view algorithm) {
    return reply.completed() ? digest_in(reply, digits_of(algorithm), path) : std::nullopt;
}

Status no_digest(const Reply& reply, std::string_view path, std::string_view algorithm) {
    const Status status = not_understood(reply, "compute the checksum of " + std::string(path));
    return shows_digest_of_path(reply, digits_of(algorithm), path) ? status
                                                                   : cannot_compute(algorithm, status.text());
}

Status cannot_compute(std::string_view algorithm, std::string_view why) {
    std::string text = "this server cannot compute " + std::string(algorithm) +
                       ": set outgoing.checksum to one that it can, or outgoing.verify: size";
    if (!why.empty()) {
        text += " (" + std::string(why) + ')';
    }
    return {StatusCode::configuration, StatusScope::stream, text};
}

std::string source_digest(SessionContext& asker, SourceFile& source, std::uint64_t size,
                          std::string_view algorithm) {
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (EVP_DigestInit_ex(context.get(), is_md5(algorithm) ? EVP_md5() : EVP_sha256(), nullptr) != 1) {
        return {};
    }
    const auto buffer = std::make_unique_for_overwrite<char[]>(digest_piece);
    for (std::uint64_t offset = 0; offset < size;) {
        if (asker.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::item, "cancelled"});
        }
        const std::size_t length = std::min<std::uint64_t>(digest_piece, size - offset);
        if (!source.read(offset, buffer.get(), length).ok() ||
            EVP_DigestUpdate(context.get(), buffer.get(), length) != 1) {
            return {};
        }
        offset += length;
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    return EVP_DigestFinal_ex(context.get(), digest.data(), &length) == 1
               ? hexadecimal(std::span(digest).first(length))
               : std::string();
}

}  // namespace mistamover::ftp
