// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <Poco/JSON/Object.h>
#include <optional>
#include <string>
#include <vector>

#include "program.hpp"
#include "small_disk.hpp"

namespace mistamover::test {

inline constexpr std::uint64_t mb = 1'000'000;

/// A site whose streams lie on a small disk of about 64 MB of its own, `disk`, watched with levels of 30, 20
/// and 10 MB. Their targets lie elsewhere.
class DiskSite : public Site {
  public:
    DiskSite();

    /// Writes the global file; `disk_space`: more keys of that section, with a comma in front; `sections`:
    /// more of those.
    void configure(const std::string& disk_space = "", const std::string& sections = "") const;
    /// More keys for two sections, each with a comma in front; `sections`: more of those.
    void add(const std::string& name, const std::string& data_stream = "", const std::string& outgoing = "",
             const std::string& sections = "") const;
    /// The same, of a stream whose directory is another one.
    void add_at(const std::string& name, const std::filesystem::path& directory,
                const std::string& data_stream = "", const std::string& outgoing = "",
                const std::string& sections = "") const;

    [[nodiscard]] std::filesystem::path directory(const std::string& name) const {
        return disk_->path() / name;
    }
    [[nodiscard]] std::filesystem::path stop_file(const std::string& name) const {
        return directory(name) / ".stop";
    }
    [[nodiscard]] const SmallDisk& disk() const { return *disk_; }

    /// What `status` tells of a file system; null where it tells nothing.
    [[nodiscard]] Poco::JSON::Object::Ptr status(const std::string& name = "disk") const;
    /// What would be deleted next, as STREAM/UNIT.
    [[nodiscard]] std::vector<std::string> planned() const;
    [[nodiscard]] bool reaches(const std::string& state) const;
    /// Leaves so much free, and waits for what the monitor calls it.
    [[nodiscard]] bool fill(std::uint64_t free_bytes, const std::string& state) const;

    [[nodiscard]] std::string disk_log() const { return log("dsm_disk"); }
    /// What that log tells, in short: "LOW", "stop a", "deleted a/u1", "exhausted", "go a".
    [[nodiscard]] std::vector<std::string> events() const;

  private:
    std::optional<SmallDisk> disk_;
};

}  // namespace mistamover::test
