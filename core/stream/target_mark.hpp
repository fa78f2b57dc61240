// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

namespace mistamover::stream {

/// A file that is there while the stream may have left something in its temporary directory at the target, so
/// that the next process knows, after a crash, that there is something to clean up even if nothing is to be
/// sent.
class TargetMark {
  public:
    /// `work_dir`: the stream's own.
    explicit TargetMark(const std::filesystem::path& work_dir) : path_(work_dir / "target-in-use") {}
    [[nodiscard]] bool is_set() const;
    /// Where it cannot be made, on a full disk say, a crash may leave something at the target for longer.
    void set() noexcept;
    void clear() noexcept;

  private:
    std::filesystem::path path_;
    bool set_ = false;
};

}  // namespace mistamover::stream
