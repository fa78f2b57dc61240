// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <filesystem>
#include <set>
#include <string>

#include "program.hpp"

namespace mistamover::test {

std::string md5_of(const std::string& content);

/// The text of a control file.
std::string control_text(const std::string& data_name, const std::string& size, const std::string& checksum,
                         const std::string& receipt_name);

/// A site with a stream `p` that only receives. The test is its sender.
class Receiver {
  public:
    /// `settings`: more of the section `incoming`.
    explicit Receiver(const std::string& settings = "data_grace: 1s");

    [[nodiscard]] const Site& site() const { return site_; }
    [[nodiscard]] std::filesystem::path incoming() const { return site_.home() / "incoming"; }
    [[nodiscard]] std::filesystem::path journal() const { return incoming() / ".mistamover-arrivals"; }
    /// Where a file lies once it was accepted.
    [[nodiscard]] std::filesystem::path delivered(const std::string& name) const {
        return site_.source() / name;
    }
    [[nodiscard]] std::filesystem::path control(const std::string& name) const {
        return incoming() / ('.' + name + ".stager-ctrl-bss");
    }
    [[nodiscard]] std::filesystem::path receipt(const std::string& name, int attempt = 1) const {
        return incoming() / ('.' + name + '.' + std::to_string(attempt) + ".00.stager-rcpt-bss");
    }
    [[nodiscard]] std::filesystem::path thank_you(const std::string& name) const {
        return incoming() / ('.' + name + ".stager-thanks-bss");
    }

    /// Writes a file beside the incoming directory and renames it to this name there.
    void put(const std::filesystem::path& path, const std::string& content) const;
    /// The control file of a file of this name and content, which the test has put or will put.
    void announce(const std::string& name, const std::string& content, int attempt = 1) const;
    /// The file, then its control file.
    void send(const std::string& name, const std::string& content, int attempt = 1) const;
    /// Thanks for the receipt under a name.
    void thank(const std::string& receipt_name, const std::string& thank_you_name) const;

    /// Waits for the receipt, checks that it says "<lines>\n" behind the name, and gives the rest of it: at
    /// its end, the name of the thank-you. Empty where it says anything else.
    [[nodiscard]] std::string answer(const std::string& name, const std::string& lines,
                                     int attempt = 1) const;
    /// Waits for the receipt of a file that was accepted, and gives the name of the thank-you.
    [[nodiscard]] std::string accepted(const std::string& name, const std::string& content,
                                       int attempt = 1) const;
    [[nodiscard]] bool is_answered(const std::string& name, int attempt = 1) const {
        return std::filesystem::exists(receipt(name, attempt));
    }

    /// What lies in the incoming directory, without the journal.
    [[nodiscard]] std::set<std::string> in_incoming() const;

  private:
    Site site_;
};

/// The shortest time from a control file to its receipt, of several files sent one after the other: what else
/// the machine does meanwhile does not count.
std::chrono::milliseconds quickest_answer(const Receiver& receiver);

/// The monitor's process, as soon as there is one.
pid_t monitor_of(const Daemon& daemon);

/// Whether it goes within a generous time.
bool gone(const std::filesystem::path& path);

}  // namespace mistamover::test
