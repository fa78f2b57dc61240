// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mistamover/transfer_module.hpp>

namespace mistamover::test {

/// The settings of a stream for one module, with the defaults of its option schema; all views into itself.
class SettingsOfModule {
  public:
    explicit SettingsOfModule(std::span<const OptionSpec> specs) {
        for (const OptionSpec& spec : specs) {
            if (spec.default_value != nullptr) {
                set(spec.name, spec.default_value);
            }
        }
        values.stream = "p";
        values.target_host = "host";
        values.target_dir = "/data/in";
        values.temp_dir = ".mistamover-0";
        values.work_dir = "/work dir";
    }
    void set(const std::string& name, const std::string& value) { add(name, {value}); }
    void add(const std::string& name, const std::vector<std::string>& list) { options_[name] = list; }

    [[nodiscard]] const ModuleSettings& get() {
        texts_.clear();
        entries_.clear();
        for (const auto& [name, list] : options_) {
            texts_.emplace_back(list.begin(), list.end());
        }
        std::size_t i = 0;
        for (const auto& [name, list] : options_) {
            entries_.push_back({name, texts_[i++]});
        }
        values.options = entries_;
        return values;
    }

    ModuleSettings values;

  private:
    std::map<std::string, std::vector<std::string>> options_;
    std::vector<std::vector<std::string_view>> texts_;
    std::vector<OptionValue> entries_;
};

}  // namespace mistamover::test
