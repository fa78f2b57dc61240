// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

/// The module's system calls in the tests, which can mount no file system that does as they need: fchmod,
/// futimens, fsync and renameat do what the objects say that live. One of a kind at a time.
namespace mistamover::local::test {

/// Modes and times are refused with these errors.
class Refusing {
  public:
    Refusing(int mode_error, int time_error);
    Refusing(const Refusing&) = delete;
    Refusing& operator=(const Refusing&) = delete;
    ~Refusing();
};

/// Times are kept at this precision: what is beyond it is cut off. Nothing: a time is accepted and ignored.
class KeepingTimes {
  public:
    explicit KeepingTimes(std::optional<std::int64_t> precision_ns);
    KeepingTimes(const KeepingTimes&) = delete;
    KeepingTimes& operator=(const KeepingTimes&) = delete;
    ~KeepingTimes();
};

/// Notes, in their order, what is brought to the disk ("contents ID" and "directory ID") and renamed ("rename
/// NAME", where it was given that name).
class DiskLog {
  public:
    DiskLog();
    DiskLog(const DiskLog&) = delete;
    DiskLog& operator=(const DiskLog&) = delete;
    ~DiskLog();

    /// Of a file or a directory.
    static std::string id_of(const struct stat& found);

    void add(const std::string& event) { events_.push_back(event); }
    /// Fails the test where there is none.
    [[nodiscard]] std::size_t position(const std::string& event) const;
    [[nodiscard]] const std::vector<std::string>& events() const { return events_; }

    std::function<void()> on_contents;  ///< Called before a file's contents are brought to the disk.
    bool refuses_contents = false;      ///< With EIO.
    bool refuses_directories = false;   ///< With EIO.

  private:
    std::vector<std::string> events_;
};

}  // namespace mistamover::local::test
