// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <set>
#include <string>

#include "program.hpp"

namespace mistamover::test {

/// A site whose stream "p" receives by the arrivals protocol: from incoming() into source("p"), from where it
/// may send on.
class ReceivingSite : public Site {
  public:
    using Site::Site;

    [[nodiscard]] const std::filesystem::path& incoming() const { return incoming_; }
    /// To be called before the stream is added.
    void receive_in(const std::filesystem::path& incoming) { incoming_ = incoming; }
    /// A stream that only receives.
    void add_receiver() { add_relay("plugin: none", ""); }
    /// One that sends on what it receives; arguments as in Site::add_stream_with.
    void add_relay(const std::string& outgoing, const std::string& section) {
        std::filesystem::create_directories(incoming());
        add_stream_with("p", outgoing,
                        "incoming: {require_arrival_monitor: true, directory: " + incoming().string() +
                            ", data_grace: 1s}\n" + section);
    }

  private:
    std::filesystem::path incoming_ = home() / "incoming";
};

/// The paths of all files below these directories, whatever their names.
inline std::set<std::string> files_below(const std::set<std::filesystem::path>& directories) {
    std::set<std::string> found;
    for (const std::filesystem::path& directory : directories) {
        std::error_code error;
        for (auto entry = std::filesystem::recursive_directory_iterator(directory, error);
             !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
            if (!entry->is_directory(error)) {
                found.insert(entry->path().string());
            }
        }
    }
    return found;
}

}  // namespace mistamover::test
