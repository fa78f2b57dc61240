// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "module_settings.hpp"
#include "rsync/rsync_options.hpp"

namespace mistamover::rsync::test {

class Settings : public mistamover::test::SettingsOfModule {
  public:
    Settings() : SettingsOfModule(option_specs) {}
};

/// The files of these names, as they lie in `directory`.
inline std::vector<PutItem> items_in(const std::filesystem::path& directory,
                                     std::span<const std::string_view> names) {
    std::vector<PutItem> items;
    for (const std::string_view name : names) {
        struct stat info = {};
        if (::lstat((directory / name).c_str(), &info) != 0) {
            throw std::runtime_error("no file " + (directory / name).string());
        }
        PutItem& item = items.emplace_back();
        item.path = name;
        item.size = static_cast<std::uint64_t>(info.st_size);
        item.mtime_ns = info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec;
        item.device = info.st_dev;
        item.inode = info.st_ino;
        item.mode = info.st_mode & 07777U;
    }
    return items;
}

/// What became of each item of a put, by its index.
class PutEnds final : public PutSink {
  public:
    void done(std::size_t index, const Status& status, const PutReport& /*report*/) noexcept override {
        ends[index] = status;
        if (is_cancelled != nullptr) {
            *is_cancelled = true;
        }
    }
    std::map<std::size_t, Status> ends;
    bool* is_cancelled = nullptr;  ///< Becomes true with the first end, where it is set.
};

}  // namespace mistamover::rsync::test
