// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace mistamover::test {
namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
    return text;
}

struct Example {
    fs::path name;  ///< Below config-examples.
    std::string text;
};

/// The examples, in a scratch directory, with their places (/srv, and what lies in /etc/mistamover) there
/// too.
class Examples {
  public:
    Examples() {
        for (const auto& entry : fs::recursive_directory_iterator(MISTAMOVER_EXAMPLES)) {
            if (entry.is_regular_file()) {
                add(entry.path().lexically_relative(MISTAMOVER_EXAMPLES));
            }
        }
    }

    [[nodiscard]] std::string global_file() const { return scratch_ / "mistamover.yaml"; }
    [[nodiscard]] fs::path place(const std::string& path) const { return scratch_ / path; }
    [[nodiscard]] const std::vector<Example>& files() const { return files_; }
    [[nodiscard]] std::size_t streams() const {
        return static_cast<std::size_t>(std::count_if(files_.begin(), files_.end(), [](const auto& file) {
            return file.name.parent_path() == "streams.d";
        }));
    }

  private:
    void add(const fs::path& name) {
        std::string text = read_file(fs::path(MISTAMOVER_EXAMPLES) / name);
        files_.push_back({name, text});
        text = replaced(text, "/srv/", scratch_ / "srv/");
        text = replaced(text, "/etc/mistamover/", secrets());
        write_file(scratch_ / name, text);
        make_named_files(text);
    }

    [[nodiscard]] std::string secrets() const { return scratch_ / "secrets/"; }

    /// Keys and passwords that an example names.
    void make_named_files(const std::string& text) {
        for (std::size_t at = 0; (at = text.find(secrets(), at)) != std::string::npos; ++at) {
            const fs::path file = text.substr(at, text.find_first_of(" \n,}]", at) - at);
            write_file(file, "secret\n");
            fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
        }
    }

    Scratch scratch_;
    std::vector<Example> files_;
};

}  // namespace

TEST_SUITE_BEGIN("config_examples");

TEST_CASE("every example of a configuration is good") {
    const Examples examples;
    const ProgramResult result = run_program({"config", "check", examples.global_file()});
    CHECK_MESSAGE(result.exit_code == 0, result.output);
    const std::string all = "streams: " + std::to_string(examples.streams()) + "\n";
    CHECK_MESSAGE(result.output.ends_with(all), result.output);
}

TEST_CASE("there is no file among the examples that the program would not load") {
    const Examples examples;
    for (const Example& example : examples.files()) {
        const fs::path& name = example.name;
        const bool is_loaded =
            name == "mistamover.yaml" || (name.parent_path() == "streams.d" && name.extension() == ".yaml");
        CHECK_MESSAGE((is_loaded || name == "mistamover.service"), name.string());
    }
}

TEST_CASE("every module that is built has an example") {
    const Examples examples;
    const fs::path plugins =
        fs::path(MISTAMOVER_PROGRAM).parent_path().parent_path() / "lib/mistamover/plugins";
    for (const auto& entry : fs::directory_iterator(plugins)) {
        const std::string stem = entry.path().stem().string();
        const std::string line = "\n  plugin: " + stem.substr(stem.find('-') + 1) + '\n';
        CHECK_MESSAGE(
            std::any_of(examples.files().begin(), examples.files().end(),
                        [&](const auto& file) { return file.text.find(line) != std::string::npos; }),
            stem);
    }
}

TEST_CASE("the examples of the module local carry files") {
    const Examples examples;
    for (const std::string stream : {"local-move", "local-mirror", "local-zip"}) {
        const std::string target = stream == "local-mirror" ? "mirror" : "archive";
        const fs::path there = examples.place("srv/" + target + '/' + stream);
        fs::create_directories(there);
        write_file(examples.place("srv/mistamover/data/" + stream) / "a file", "content");
        const ProgramResult result = run_program({"run", "--stream", stream, examples.global_file()});
        CHECK_MESSAGE(result.exit_code == 0, result.output);
        CHECK_MESSAGE(read_file(there / "a file") == "content", stream);
    }
}

TEST_SUITE_END();

}  // namespace mistamover::test
