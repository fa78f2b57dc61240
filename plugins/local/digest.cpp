// SPDX-License-Identifier: BSD-3-Clause
#include "local/digest.hpp"

#include <array>
#include <openssl/evp.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover::local {
namespace {

void must(int result) {
    if (result != 1) {
        throw StatusError({StatusCode::configuration, StatusScope::stream,
                           "this machine's OpenSSL refuses to compute the checksum: let it, or set "
                           "outgoing.checksum to another"});
    }
}

const EVP_MD* method(std::string_view algorithm) {
    if (algorithm == "md5") {
        return EVP_md5();
    }
    if (algorithm == "sha256") {
        return EVP_sha256();
    }
    return algorithm == "blake2b512" ? EVP_blake2b512() : nullptr;
}

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* state) const noexcept {
    EVP_MD_CTX_free(state);
}

std::optional<Digest> Digest::make(std::string_view algorithm) {
    const EVP_MD* chosen = method(algorithm);
    if (chosen == nullptr) {
        return std::nullopt;
    }
    State state(EVP_MD_CTX_new());
    must(EVP_DigestInit_ex(state.get(), chosen, nullptr));
    return Digest(std::move(state));
}

void Digest::feed(std::string_view data) {
    must(EVP_DigestUpdate(state_.get(), data.data(), data.size()));
}

std::string Digest::hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes = {};
    unsigned int length = 0;
    must(EVP_DigestFinal_ex(state_.get(), bytes.data(), &length));
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned int index = 0; index < length; ++index) {
        text += digits[bytes.at(index) >> 4U];
        text += digits[bytes.at(index) & 15U];
    }
    return text;
}

}  // namespace mistamover::local
