// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "plugin_host/plugin.hpp"
#include "stream/proof.hpp"
#include "stream/source_directory.hpp"

namespace mistamover::stream {

/// An empty dot-file in the stream's directory, of a name that no other directory has, for as long as it
/// lives. After a crash the next start removes it.
class AliasProbe {
  public:
    /// Throws std::system_error where it cannot be made.
    explicit AliasProbe(const SourceDirectory& source);
    ~AliasProbe();
    AliasProbe(const AliasProbe&) = delete;
    AliasProbe& operator=(const AliasProbe&) = delete;

    [[nodiscard]] std::string_view name() const noexcept { return name_; }

  private:
    const SourceDirectory& source_;
    std::string name_;
};

/// Keeps a stream from sending to its own directory, which the target may be by a way that the configuration
/// does not show, as another host that has it mounted: every file would be proved by itself, and deleted; and
/// a mirror would delete what has come since it looked. Used by the session's thread.
class AliasCheck {
  public:
    enum class Answer : std::uint8_t { unknown, another, own };
    /// What the sessions of a stream share. Safe from several threads.
    struct Shared {
        std::atomic<Answer> answer{Answer::unknown};
    };

    /// `temp_dir`: ModuleSettings::temp_dir. All but that must outlive this object.
    AliasCheck(const SourceDirectory& source, border::Session& session, Capabilities capabilities,
               std::string temp_dir, Shared& shared)
        : source_(source),
          session_(session),
          capabilities_(capabilities),
          temp_dir_(std::move(temp_dir)),
          shared_(shared) {}

    /// To ask the target for, and to note(), with whatever else it is asked for: the answer is then as old as
    /// that. Null where none can be made.
    [[nodiscard]] std::unique_ptr<const AliasProbe> probe() const;
    void note(const StatCollector::Seen& of_probe);

    /// ok where the target is another directory, by the last answer; asks where there is none. Of stream
    /// scope where it is the stream's own, of session scope where that cannot be told.
    Status check();
    /// The same, but nothing is made in the stream's directory, if it is not the target; asked once a
    /// session. ok where the target lets nothing be made either: what is deleted there may make the room.
    Status check_untouched();

  private:
    Status ask();
    Status ask_by_directory();
    [[nodiscard]] Status conclusion() const;

    const SourceDirectory& source_;
    border::Session& session_;
    Capabilities capabilities_;
    std::string temp_dir_;
    Shared& shared_;
    bool asked_by_directory_ = false;
};

}  // namespace mistamover::stream
