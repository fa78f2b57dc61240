// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "quiet_context.hpp"
#include "sftp/pipeline.hpp"

namespace mistamover::sftp::test {

using mistamover::test::QuietContext;

/// Takes what is sent, and answers with what the test puts there.
class ScriptedChannel final : public ByteChannel {
  public:
    std::size_t send(std::string_view bytes) override {
        sent += bytes;
        return bytes.size();
    }
    bool receive(PacketSplitter& to) override {
        const bool any = !incoming.empty();
        to.feed(std::exchange(incoming, {}));
        return any;
    }
    void wait(bool, int, std::chrono::milliseconds patience) override { waited += patience; }

    /// A status for request `id`.
    void answer(std::uint32_t id, std::uint32_t code) {
        OutputBuffer output;
        PacketWriter(output, PacketType::status).number(id).number(code).text("words").text("en");
        incoming += output.view();
    }
    std::string sent;
    std::string incoming;
    std::chrono::milliseconds waited{0};
};

}  // namespace mistamover::sftp::test
