// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/schema_query.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <unistd.h>

#include "test_plugin.hpp"

namespace mistamover::plugin_host {
namespace {

const QueryChild child{PLUGIN_INFO_PROGRAM, std::chrono::seconds{60}};
const QueryChild impatient{PLUGIN_INFO_PROGRAM, std::chrono::seconds{2}};

std::string query_refusal(const std::filesystem::path& library, const QueryChild& asked = child) {
    return refusal_of([&] { query_plugin(library, asked); });
}

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "schema_query_XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a child tells what a plugin says of itself, whatever the library prints meanwhile") {
    const PluginInfo info = query_plugin(test_plugin("good"), child);
    CHECK(info.library == test_plugin("good"));
    CHECK(info.name == "good");
    CHECK(info.version == "1.2.3");
    CHECK(info.schema.options.size() == 3);
}

TEST_CASE("every library that cannot be used is refused by name and reason, and the next good one works") {
    const auto check = [](const std::string& name, const std::string& reason,
                          const QueryChild& asked = child) {
        const std::string text = query_refusal(test_plugin(name), asked);
        CHECK(text.starts_with(test_plugin(name).string() + ": "));
        CAPTURE(text);
        CHECK(contains(text, reason));
        CHECK(query_plugin(test_plugin("good"), child).name == "good");
    };
    check("nothere", "there is no such file");
    check("not_a_plugin", "not a MiStaMover plugin");
    check("other_magic", "magic");
    check("other_major", "version 2." + std::to_string(sdk_minor) + " of the plugin SDK");
    check("other_minor", "version 1." + std::to_string(sdk_minor + 1) + " of the plugin SDK");
    check("other_size", "bytes");
    check("other_fingerprint", "AddressSanitizer: plugin ");
    check("other_name", "calls itself");
    check("crashes", "Segmentation fault (signal 11)");
    check("exits", "ended the process that loaded it (exit code 0)");
    check("throws", "no licence found");
    check("hangs", "did not finish loading within 2s", impatient);
}

TEST_CASE("a program that cannot be asked is told from a bad library") {
    CHECK(contains(query_refusal(test_plugin("good"), {"/nonexistent", std::chrono::seconds{60}}),
                   "cannot be asked"));
    CHECK(contains(query_refusal(test_plugin("good"), {"/bin/echo", std::chrono::seconds{60}}),
                   "cannot be asked"));
}

TEST_CASE("the schema source answers with a schema or with the reason") {
    ChildSchemaSource source(child);
    const auto good = source.schema("good", {TEST_PLUGIN_DIRECTORY});
    REQUIRE(good.schema.has_value());
    CHECK(good.schema->options.size() == 3);
    CHECK(good.error.empty());
    const auto bad = source.schema("crashes", {TEST_PLUGIN_DIRECTORY});
    CHECK_FALSE(bad.schema.has_value());
    CHECK(contains(bad.error, "libmistamover-crashes.so"));
    const auto missing = source.schema("nothere", {TEST_PLUGIN_DIRECTORY});
    CHECK_FALSE(missing.schema.has_value());
    CHECK(contains(missing.error, "no plugin of this name"));
}

TEST_CASE("an answer is kept until the library file is another one") {
    const TemporaryDirectory directory;
    const std::filesystem::path library = directory.path() / "libmistamover-good.so";
    const std::filesystem::path program = directory.path() / "program";
    std::filesystem::copy_file(PLUGIN_INFO_PROGRAM, program);
    std::filesystem::copy_file(test_plugin("good"), library);
    ChildSchemaSource source({program, std::chrono::seconds{60}});
    REQUIRE(source.schema("good", {directory.path()}).schema.has_value());

    std::filesystem::remove(program);
    CHECK(source.schema("good", {directory.path()}).schema.has_value());

    std::filesystem::remove(library);
    std::filesystem::copy_file(test_plugin("other_major"), library);
    CHECK_FALSE(source.schema("good", {directory.path()}).schema.has_value());
}

}  // namespace mistamover::plugin_host
