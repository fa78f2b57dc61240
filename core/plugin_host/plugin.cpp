// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/plugin.hpp"

#include <boost/dll/shared_library.hpp>
#include <string_view>
#include <system_error>
#include <utility>

namespace mistamover::plugin_host {
namespace {

constexpr std::string_view library_prefix = "libmistamover-";
constexpr std::string_view library_suffix = ".so";

/// What the dynamic linker said, out of Boost's wrapping of it.
std::string load_error(const std::filesystem::path& library, std::string text) {
    constexpr std::string_view opening = "(dlerror system message: ";
    const std::size_t begin = text.find(opening);
    const std::size_t end = text.rfind("): ");
    if (begin != std::string::npos && end != std::string::npos && end > begin) {
        text = text.substr(begin + opening.size(), end - begin - opening.size());
    }
    const std::string own_name = library.string() + ": ";
    return text.starts_with(own_name) ? text.substr(own_name.size()) : text;
}

[[noreturn]] void refuse(const std::filesystem::path& library, const std::string& reason) {
    throw PluginRefused(library.string() + ": " + reason);
}

boost::dll::shared_library load(const std::filesystem::path& library) {
    if (!library.is_absolute()) {
        refuse(library, "a plugin library is given by its absolute path");
    }
    std::error_code error;
    if (!std::filesystem::exists(library, error)) {
        refuse(library, error ? error.message() : "there is no such file");
    }
    try {
        return boost::dll::shared_library(library, boost::dll::load_mode::rtld_now);
    } catch (const std::system_error& failure) {
        refuse(library, "cannot be loaded: " + load_error(library, failure.what()));
    } catch (const std::exception& failure) {
        refuse(library, std::string("threw an exception while it was loaded: ") + failure.what());
    } catch (...) {
        refuse(library, "threw something that is not an exception while it was loaded");
    }
}

}  // namespace

std::string plugin_name_of(const std::filesystem::path& library) {
    const std::string file = library.filename().string();
    if (file.size() <= library_prefix.size() + library_suffix.size() || !file.starts_with(library_prefix) ||
        !file.ends_with(library_suffix)) {
        return {};
    }
    return file.substr(library_prefix.size(), file.size() - library_prefix.size() - library_suffix.size());
}

std::filesystem::path builtin_plugin_directory() {
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
    return (program.parent_path() / "../lib/mistamover/plugins").lexically_normal();
}

std::filesystem::path find_plugin(const std::string& plugin,
                                  const std::vector<std::filesystem::path>& search_path) {
    if (plugin.starts_with('/')) {
        return plugin;
    }
    if (plugin.empty() || plugin.find('/') != std::string::npos) {
        throw PluginRefused("\"" + plugin +
                            "\" is neither the name of a plugin nor an absolute path to its library");
    }
    std::vector<std::filesystem::path> directories = search_path;
    directories.push_back(builtin_plugin_directory());
    const std::string file = std::string(library_prefix) + plugin + std::string(library_suffix);
    std::string places;
    for (const std::filesystem::path& directory : directories) {
        std::error_code error;
        std::filesystem::path library = directory / file;
        if (std::filesystem::exists(library, error)) {
            return std::filesystem::absolute(library);
        }
        places += (places.empty() ? "" : ", ") + directory.string();
        places += error && error != std::errc::no_such_file_or_directory ? " (" + error.message() + ")" : "";
    }
    throw PluginRefused(file + ": there is no plugin of this name in " + places);
}

struct Plugin::Library {
    std::filesystem::path path;
    boost::dll::shared_library library;
    const PluginDescriptor* descriptor = nullptr;
};

Plugin::Plugin(const std::filesystem::path& library)
    : library_(std::make_unique<Library>(Library{library, load(library), nullptr})) {
    if (!library_->library.has(descriptor_symbol)) {
        refuse(library, std::string("not a MiStaMover plugin: it has no symbol ") + descriptor_symbol);
    }
    library_->descriptor = &library_->library.get<const PluginDescriptor>(descriptor_symbol);
    if (const std::string reason = refusal(descriptor()); !reason.empty()) {
        refuse(library, reason);
    }
    const std::string expected_name = plugin_name_of(library);
    if (!expected_name.empty() && expected_name != descriptor().name) {
        refuse(library, std::string("it calls itself \"") + descriptor().name + "\", its file name says \"" +
                            expected_name + "\": rename one of them");
    }
}

Plugin::~Plugin() = default;
Plugin::Plugin(Plugin&&) noexcept = default;
Plugin& Plugin::operator=(Plugin&&) noexcept = default;

const PluginDescriptor& Plugin::descriptor() const noexcept {
    return *library_->descriptor;
}
const std::filesystem::path& Plugin::library() const noexcept {
    return library_->path;
}

Plugin::ModulePointer Plugin::create_module(const ModuleSettings& settings, Status& status) const {
    ModulePointer made(descriptor().create(settings, status));
    if (status.ok() && made == nullptr) {
        status =
            Status(StatusCode::internal, StatusScope::stream, "the plugin made no module and gave no reason");
    }
    if (!status.ok()) {
        made.reset();
    }
    return made;
}

}  // namespace mistamover::plugin_host
