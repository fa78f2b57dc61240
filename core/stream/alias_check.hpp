// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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
/// does not show, as another host that has it mounted: every file would be proved by itself, and deleted.
/// Used by the session's thread.
class AliasCheck {
  public:
    /// What the sessions of a stream share. Safe from several threads.
    struct Shared {
        std::atomic<bool> is_another{false};
    };
    /// More than so many `files` are never asked for.
    static constexpr std::size_t most_files = 4;

    /// All must outlive this object.
    AliasCheck(const SourceDirectory& source, border::Session& session, Shared& shared)
        : source_(source), session_(session), shared_(shared) {}

    /// To ask the target for, and to note(), with whatever else it is asked for: that saves check() a
    /// question of its own. Null where the answer is known, or none can be made now.
    [[nodiscard]] std::unique_ptr<const AliasProbe> probe() const;
    void note(const StatCollector::Seen& of_probe);

    /// ok where the target is another directory, as is found out once: one of `files`, which lie in the
    /// stream's directory, is not there; else an empty file is not there that is made here for a moment. Of
    /// stream scope where it is the stream's own, of session scope where that cannot be told.
    Status check(std::span<const std::string_view> files);

  private:
    Status find_missing(std::span<const std::string_view> files, bool& any_missing);
    Status look_for_probe();

    const SourceDirectory& source_;
    border::Session& session_;
    Shared& shared_;
};

}  // namespace mistamover::stream
