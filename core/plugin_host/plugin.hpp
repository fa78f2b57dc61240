// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <mistamover/plugin.hpp>

namespace mistamover::plugin_host {

/// A library that is not used, with its name and the reason, for people.
class PluginRefused : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// The directory of the bundled plugins, relative to the running executable: ../lib/mistamover/plugins.
std::filesystem::path builtin_plugin_directory();

/// The library file of `plugin`: an absolute path as it is, else libmistamover-<plugin>.so in the first
/// directory of `search_path`, then of the built-in one, that has it. Throws PluginRefused, naming the places
/// that were looked at.
std::filesystem::path find_plugin(const std::string& plugin,
                                  const std::vector<std::filesystem::path>& search_path);

/// NAME for a path to libmistamover-NAME.so, empty for any other file name. Pure.
std::string plugin_name_of(const std::filesystem::path& library);

/// A loaded plugin. Loads code into this process: used in transfer processes and in children made for asking.
class Plugin {
  public:
    /// Loads the library, given by its absolute path, and checks its descriptor; a library called
    /// libmistamover-NAME.so must say that its name is NAME. Throws PluginRefused. What the library's
    /// constructors do to the process is not held back here: ask a child first (query_plugin).
    explicit Plugin(const std::filesystem::path& library);
    ~Plugin();
    Plugin(Plugin&&) noexcept;
    Plugin& operator=(Plugin&&) noexcept;

    /// Valid while this object lives.
    [[nodiscard]] const PluginDescriptor& descriptor() const noexcept;
    [[nodiscard]] const std::filesystem::path& library() const noexcept;

    struct Release {
        template <typename Object>
        void operator()(Object* object) const noexcept {
            object->release();
        }
    };
    using ModulePointer = std::unique_ptr<border::Module, Release>;
    using SessionPointer = std::unique_ptr<border::Session, Release>;

    /// The plugin's module, to be destroyed before this object; nullptr with the failure in `status`.
    [[nodiscard]] ModulePointer create_module(const ModuleSettings& settings, Status& status) const;

  private:
    struct Library;
    std::unique_ptr<Library> library_;
};

/// Why the core cannot use a library with this descriptor, field by field; empty where it can. Pure.
std::string refusal(const PluginDescriptor& descriptor);

}  // namespace mistamover::plugin_host
