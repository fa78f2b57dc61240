// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "module_settings.hpp"
#include "put_item.hpp"
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
    items.reserve(names.size());
    for (const std::string_view name : names) {
        items.push_back(mistamover::test::put_item(directory, name));
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
    std::atomic<bool>* is_cancelled = nullptr;  ///< Becomes true with the first end, where it is set.
};

}  // namespace mistamover::rsync::test
