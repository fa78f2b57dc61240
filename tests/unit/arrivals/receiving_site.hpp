// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "arrivals/arrival_journal.hpp"
#include "arrivals/handshake_files.hpp"
#include "config/settings.hpp"
#include "logging/client.hpp"
#include "scratch.hpp"

namespace mistamover::test {

inline const std::string hello_md5 = "5d41402abc4b2a76b9719d911017c592";
inline const std::string hullo_md5 = "54bf43965e2bbaa20c22c22ca7b4e9c7";

/// What announces "hello" as the data file "f".
inline arrivals::Control hello_control(const std::string& receipt_name) {
    return {"f", 5, hello_md5, receipt_name};
}

/// Both directories of a stream that receives, and its sender.
class ReceivingSite {
  public:
    ReceivingSite() {
        settings_.directory = scratch_ / "delivered";
        settings_.incoming.directory = scratch_ / "incoming";
        settings_.incoming.control_file_extension = "ctrl";
        settings_.incoming.receipt_file_extension = "rcpt";
        settings_.incoming.thankyou_file_extension = "thanks";
        settings_.incoming.stop_file = ".stop";
        std::filesystem::create_directories(settings_.directory);
        std::filesystem::create_directories(settings_.incoming.directory);
    }

    [[nodiscard]] const config::StreamSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] const logging::Logger& log() const noexcept { return log_; }

    [[nodiscard]] std::filesystem::path incoming(const std::string& name) const {
        return settings_.incoming.directory / name;
    }
    [[nodiscard]] std::filesystem::path delivered(const std::string& name) const {
        return settings_.directory / name;
    }
    [[nodiscard]] std::filesystem::path journal(const std::string& name) const {
        return incoming(arrivals::ArrivalJournal::directory_name) / name;
    }

    /// As a sender does: whole, and in the place of what is there.
    void put(const std::string& name, const std::string& content) const {
        write_file(scratch_ / "temporary", content);
        std::filesystem::rename(scratch_ / "temporary", incoming(name));
    }
    void send(const std::string& content, const arrivals::Control& announced) const {
        put(announced.data_name, content);
        put(".f.ctrl", to_text(announced));
    }

    /// Gives the directory another name, and its own to a new one.
    [[nodiscard]] std::filesystem::path replace(const std::filesystem::path& directory) const {
        std::filesystem::path old = scratch_ / "replaced";
        std::filesystem::rename(directory, old);
        std::filesystem::create_directory(directory);
        return old;
    }

    /// Without the journal.
    [[nodiscard]] std::set<std::string> in_incoming() const {
        std::set<std::string> names = names_in(settings_.incoming.directory);
        names.erase(arrivals::ArrivalJournal::directory_name);
        return names;
    }
    [[nodiscard]] std::set<std::string> in_delivered() const { return names_in(settings_.directory); }
    [[nodiscard]] std::set<std::string> in_journal() const { return names_in(journal("")); }
    [[nodiscard]] std::optional<arrivals::ReceiptStatus> status_in(const std::string& receipt_name) const {
        const auto receipt = arrivals::parse_receipt(read_file(incoming(receipt_name)));
        return receipt ? std::optional(receipt->status) : std::nullopt;
    }

    /// To be called where a thread has results, and whether it has been since the last time.
    [[nodiscard]] std::function<void()> on_result() {
        return [this] { told_ = true; };
    }
    [[nodiscard]] bool is_told() {
        return eventually([this] { return told_.exchange(false); });
    }

  private:
    static std::set<std::string> names_in(const std::filesystem::path& directory) {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            names.insert(entry.path().filename().string());
        }
        return names;
    }

    Scratch scratch_;
    config::StreamSettings settings_;
    logging::LogSocket socket_{-1, logging::LogSocket::WhenFull::wait};
    logging::Logger log_{socket_, "arrmon_p", LogLevel::debug};
    std::atomic<bool> told_ = false;
};

}  // namespace mistamover::test
