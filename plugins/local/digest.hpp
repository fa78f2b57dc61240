// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace mistamover::local {

/// The checksum of data that is fed piece by piece.
class Digest {
  public:
    /// "md5", "sha256" or "blake2b512"; nothing for any other name.
    static std::optional<Digest> make(std::string_view algorithm);

    void feed(std::string_view data);
    /// Lower-case hexadecimal. Ends the object's use.
    std::string hexadecimal();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* state) const noexcept;
    };
    using State = std::unique_ptr<evp_md_ctx_st, Free>;
    explicit Digest(State state) : state_(std::move(state)) {}

    State state_;
};

}  // namespace mistamover::local
