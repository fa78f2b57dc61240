// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "config/settings.hpp"
#include "plugin_host/plugin.hpp"
#include "stream/alias_check.hpp"
#include "stream/batch_result.hpp"

namespace mistamover::stream {

/// What is removed from the stream's temporary directory at the target.
enum class Cleaning : std::uint8_t { none, all, but_resumable };

/// What the target directory holds that is no unit: its .stop file, and the stream's own temporary directory.
/// Used by the session's thread.
class TargetDirectory {
  public:
    /// `temp_dir`: ModuleSettings::temp_dir. All but that must outlive this object.
    TargetDirectory(border::Session& session, Capabilities capabilities,
                    const config::OutgoingSettings& settings, std::string temp_dir, AliasCheck& alias)
        : session_(session),
          capabilities_(capabilities),
          settings_(settings),
          temp_dir_(std::move(temp_dir)),
          alias_(alias) {}

    struct Seen {
        Status status;  ///< Not ok where it cannot be told whether there is a .stop file.
        bool stop_file = false;
        bool temp_dir = true;  ///< Also where that was not asked, or cannot be told.
    };
    [[nodiscard]] Seen look(bool with_temp_dir);
    /// Empties the stream's own temporary directory, and removes it where it is empty then. `ask_for_stop`:
    /// looks first, which tells of a .stop file and spares the emptying of what is not there.
    BatchResult clean(Cleaning cleaning, bool ask_for_stop);
    /// Removes all of it, where it is expected to be there and empty.
    Status leave();

  private:
    Status empty_temp_dir(Cleaning cleaning, bool& kept);

    border::Session& session_;
    Capabilities capabilities_;
    const config::OutgoingSettings& settings_;
    std::string temp_dir_;
    AliasCheck& alias_;
};

}  // namespace mistamover::stream
