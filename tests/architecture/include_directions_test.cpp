// SPDX-License-Identifier: BSD-3-Clause
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

const fs::path source_root{SOURCE_ROOT};

struct Include {
    std::string target;
    bool quoted = false;
};

/// What a line includes, if it does.
std::optional<Include> include_of(const std::string& line) {
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || !line.substr(hash).starts_with("#include")) {
        return std::nullopt;
    }
    const std::size_t begin = line.find_first_of("<\"", hash);
    const std::size_t end = begin == std::string::npos ? begin : line.find_first_of(">\"", begin + 1);
    if (end == std::string::npos) {
        return std::nullopt;
    }
    return Include{line.substr(begin + 1, end - begin - 1), line[begin] == '"'};
}

std::vector<Include> includes_of(const fs::path& file) {
    std::vector<Include> found;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (const auto include = include_of(line)) {
            found.push_back(*include);
        }
    }
    return found;
}

std::vector<fs::path> sources_in(const fs::path& folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(source_root / folder)) {
        if (entry.path().extension() == ".cpp" || entry.path().extension() == ".hpp") {
            found.push_back(entry.path());
        }
    }
    return found;
}

std::string first_part(const std::string& path) {
    return path.substr(0, path.find('/'));
}

/// What each folder of core/ may include besides itself and the SDK.
const std::map<std::string, Names>& allowed_folders() {
    static const std::map<std::string, Names> allowed = [] {
        const Names below_streams{"plugin_host", "logging", "config", "files", "process"};
        Names below_transfers = below_streams;
        below_transfers.insert("arrivals");
        Names below_supervisor = below_streams;
        below_supervisor.insert({"stream", "arrivals", "disk_space"});
        Names below_cli = below_supervisor;
        below_cli.insert("supervisor");
        return std::map<std::string, Names>{
            {"sdk", {}},
            {"process", {}},
            {"files", {"process"}},
            {"config", {"process"}},
            {"logging", {"config", "process"}},
            {"plugin_host", {"config", "process"}},
            {"stream", below_transfers},
            {"arrivals", below_streams},
            {"disk_space", below_streams},
            {"supervisor", below_supervisor},
            {"cli", below_cli},
        };
    }();
    return allowed;
}

}  // namespace

TEST_CASE("include lines are recognised") {
    CHECK(include_of("#include \"config/load.hpp\"")->target == "config/load.hpp");
    CHECK(include_of("#include \"config/load.hpp\"")->quoted);
    CHECK(include_of("  #include <vector>")->target == "vector");
    CHECK_FALSE(include_of("  #include <vector>")->quoted);
    CHECK_FALSE(include_of("// #include <vector>").has_value());
}

TEST_CASE("every folder of core/ includes only what lies below it") {
    for (const auto& folder : fs::directory_iterator(source_root / "core")) {
        const std::string name = folder.path().filename().string();
        if (!folder.is_directory() || name == "include") {
            continue;
        }
        REQUIRE_MESSAGE(allowed_folders().contains(name),
                        "core/" << name << " has no place in the picture yet");
        for (const fs::path& file : sources_in(fs::path("core") / name)) {
            for (const Include& include : includes_of(file)) {
                const std::string target = first_part(include.target);
                if (include.quoted && target != name) {
                    CHECK_MESSAGE(allowed_folders().at(name).contains(target),
                                  file.string() << " includes " << include.target);
                }
            }
        }
    }
}

TEST_CASE("the SDK's headers include the standard library, the system's and each other alone") {
    const std::vector<fs::path> headers = sources_in("core/include");
    CHECK(headers.size() >= 6);
    for (const fs::path& file : headers) {
        for (const Include& include : includes_of(file)) {
            const bool standard =
                include.target.find_first_of("/.") == std::string::npos || include.target.starts_with("sys/");
            const bool own = include.target.starts_with("mistamover/");
            CHECK_MESSAGE((!include.quoted && (standard || own)), file.string()
                                                                      << " includes " << include.target);
        }
    }
}

TEST_CASE("one folder alone uses yaml-cpp, one alone Boost.DLL") {
    std::set<std::string> met;
    for (const std::string top : {"core", "plugins"}) {
        for (const fs::path& file : sources_in(top)) {
            const std::string folder = file.parent_path().lexically_relative(source_root).string();
            for (const Include& include : includes_of(file)) {
                if (include.target.starts_with("yaml-cpp/")) {
                    met.insert("yaml-cpp in " + folder);
                }
                if (include.target.starts_with("boost/dll")) {
                    met.insert("Boost.DLL in " + folder);
                }
            }
        }
    }
    CHECK(met == std::set<std::string>{"yaml-cpp in core/config", "Boost.DLL in core/plugin_host"});
}

TEST_CASE("a plugin includes the SDK and its own headers alone") {
    for (const auto& plugin : fs::directory_iterator(source_root / "plugins")) {
        if (!plugin.is_directory()) {
            continue;
        }
        const std::string name = plugin.path().filename().string();
        for (const fs::path& file : sources_in(fs::path("plugins") / name)) {
            for (const Include& include : includes_of(file)) {
                const bool own = !include.quoted || first_part(include.target) == name ||
                                 include.target.find('/') == std::string::npos;
                CHECK_MESSAGE(own, file.string() << " includes " << include.target);
                CHECK_MESSAGE(!allowed_folders().contains(first_part(include.target)),
                              file.string() << " includes " << include.target);
            }
        }
    }
}
