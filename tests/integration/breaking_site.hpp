// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "program.hpp"
#include "servers/slow_proxy.hpp"

namespace mistamover::test {

inline constexpr std::uintmax_t megabyte = 1'000'000;

/// A site whose stream "p" is to be sent by way of a proxy whose connections break.
class BreakingSite : public Site {
  public:
    /// `module`: whose log is looked at; the others as SlowProxy takes them.
    BreakingSite(const std::string& module, std::uint16_t first_port, LineQuality line = {},
                 std::uint16_t ports = 1)
        : proxy(first_port, line, ports), module_log_(module + "_p") {}

    /// What the stream and its module have logged.
    [[nodiscard]] std::string logs() const { return log(module_log_) + log("dtc_p"); }
    [[nodiscard]] std::size_t times_gone_on() const;
    /// Sends `f`, with the connections broken when more than `size` bytes of it have arrived, and the line
    /// dead from then on.
    void send_and_break(const std::string& content, std::uintmax_t size);
    /// Sends `f`, and cuts its connections each time `each` bytes more of it have arrived, so many `times`.
    void send_and_cut(const std::string& content, std::uintmax_t each, unsigned times);
    /// The only file below the target: what has arrived of `f`.
    [[nodiscard]] std::filesystem::path leftover() const;
    /// `f` arrives, once the line is mended, and no other file is left.
    void check_arrives(const std::string& content);

    SlowProxy proxy;

  private:
    std::string module_log_;
};

}  // namespace mistamover::test
