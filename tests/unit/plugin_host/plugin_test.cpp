// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/plugin.hpp"

#include <doctest/doctest.h>
#include <fstream>

#include "test_plugin.hpp"

namespace mistamover::plugin_host {
namespace {

const std::filesystem::path test_plugins{TEST_PLUGIN_DIRECTORY};

std::string load_refusal(const std::filesystem::path& library) {
    return refusal_of([&] { const Plugin plugin(library); });
}

}  // namespace

TEST_CASE("a plugin is found by name in the search path, in its order, or taken by its absolute path") {
    CHECK(find_plugin("good", {"/nonexistent", test_plugins}) == test_plugin("good"));
    CHECK(find_plugin("/any/where/lib.so", {}) == "/any/where/lib.so");
    const std::string text = refusal_of([] { find_plugin("nothere", {"/nonexistent", test_plugins}); });
    CHECK(contains(text, "libmistamover-nothere.so"));
    CHECK(contains(text, "/nonexistent"));
    CHECK(contains(text, test_plugins.string()));
    CHECK(contains(text, builtin_plugin_directory().string()));
}

TEST_CASE("a name never leads out of the search path") {
    CHECK_FALSE(refusal_of([] { find_plugin("../plugins/libmistamover-good", {test_plugins}); }).empty());
    CHECK_FALSE(refusal_of([] { find_plugin("", {test_plugins}); }).empty());
}

TEST_CASE("the built-in directory is relative to the program") {
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
    CHECK(builtin_plugin_directory() == program.parent_path().parent_path() / "lib/mistamover/plugins");
}

TEST_CASE("the name is read from a library's file name") {
    CHECK(plugin_name_of("/x/libmistamover-sftp.so") == "sftp");
    CHECK(plugin_name_of("/x/sftp.so").empty());
    CHECK(plugin_name_of("/x/libmistamover-.so").empty());
}

TEST_CASE("a good plugin is loaded and makes modules and sessions") {
    const Plugin plugin(test_plugin("good"));
    CHECK(plugin.library() == test_plugin("good"));
    CHECK(std::string_view(plugin.descriptor().name) == "good");
    Status status;
    const Plugin::ModulePointer module = plugin.create_module(ModuleSettings{}, status);
    CHECK(status.ok());
    CHECK(module != nullptr);
}

TEST_CASE("a library that cannot be used is refused with its name and the reason") {
    const auto check = [](const std::string& name, const std::string& reason) {
        const std::string text = load_refusal(test_plugin(name));
        CAPTURE(text);
        CHECK(contains(text, test_plugin(name).string()));
        CHECK(contains(text, reason));
    };
    check("nothere", "there is no such file");
    check("not_a_plugin", "not a MiStaMover plugin: it has no symbol mistamover_plugin_descriptor");
    check("other_magic", "magic");
    check("other_major", "version 2." + std::to_string(sdk_minor) + " of the plugin SDK");
    check("other_minor", "version 1." + std::to_string(sdk_minor + 1) + " of the plugin SDK");
    check("other_size", "bytes");
    check("other_fingerprint", "AddressSanitizer: plugin ");
    check("other_fingerprint", "phase of the moon: plugin");
    check("other_name", "calls itself \"someone_else\", its file name says \"other_name\"");
}

TEST_CASE("a file that is not a library is refused in the dynamic linker's words") {
    const std::filesystem::path text_file = test_plugins / "libmistamover-text.so";
    std::ofstream(text_file) << std::string(4096, 'x');
    const std::string text = load_refusal(text_file);
    CHECK(text == text_file.string() + ": cannot be loaded: invalid ELF header");
    std::filesystem::remove(text_file);
}

TEST_CASE("a relative path is not looked up by the dynamic linker's rules") {
    CHECK(contains(load_refusal("libmistamover-good.so"), "absolute path"));
}

TEST_CASE("a module that cannot be made gives its status") {
    const Plugin plugin(test_plugin("failing_module"));
    Status status;
    SUBCASE("thrown as a status") {
        ModuleSettings settings;
        settings.stream = "status";
        CHECK(plugin.create_module(settings, status) == nullptr);
        CHECK(status.code() == StatusCode::configuration);
        CHECK(status.scope() == StatusScope::stream);
        CHECK(status.text() == "no such combination");
    }
    SUBCASE("thrown as another exception") {
        ModuleSettings settings;
        settings.stream = "exception";
        CHECK(plugin.create_module(settings, status) == nullptr);
        CHECK(status.code() == StatusCode::internal);
        CHECK(status.text() == "thrown by the module");
    }
}

}  // namespace mistamover::plugin_host
