// SPDX-License-Identifier: BSD-3-Clause
#include "faulty_site.hpp"

#include <random>
#include <utility>

namespace mistamover::test {

void FaultySite::add_faulty_stream(const std::string& outgoing, const std::string& plugin,
                                   const std::string& name) {
    std::filesystem::create_directories(source(name));
    std::filesystem::create_directories(target(name));
    write_file(home() / "streams.d" / (name + ".yaml"),
               "data_stream: {directory: " + source(name).string() + "}\noutgoing: {plugin: " +
                   TEST_PLUGIN_DIRECTORY + "/libmistamover-faulty.so, target_dir: " + target(name).string() +
                   (outgoing.empty() ? "" : ", " + outgoing) + "}\n" +
                   (plugin.empty() ? "" : "faulty: {" + plugin + "}\n"));
}

std::size_t FaultySite::uses(const std::string& name) const {
    return count_of("\n", read_file(target(name) / ".fault-uses"));
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
    std::set<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(".fault")) {
            names.insert(name);
        }
    }
    return names;
}

std::uintmax_t bytes_below(const std::filesystem::path& directory) {
    std::uintmax_t sum = 0;
    std::error_code gone;
    using Walk = std::filesystem::recursive_directory_iterator;
    for (Walk entry(directory, gone); !gone && entry != Walk(); entry.increment(gone)) {
        std::error_code ignored;
        const std::uintmax_t size = entry->is_regular_file(ignored) ? entry->file_size(ignored) : 0;
        sum += ignored ? 0 : size;
    }
    return sum;
}

std::optional<std::set<std::string>> files_below(const std::filesystem::path& directory) {
    std::set<std::string> files;
    std::error_code gone;
    using Walk = std::filesystem::recursive_directory_iterator;
    for (Walk entry(directory, gone); !gone && entry != Walk(); entry.increment(gone)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored)) {
            files.insert(entry->path().lexically_relative(directory).string());
        }
    }
    return gone ? std::nullopt : std::optional(std::move(files));
}

std::string megabytes(std::size_t count) {
    std::mt19937_64 random(count);
    std::string content(count * 1'000'000, '\0');
    for (std::size_t at = 0; at < content.size(); at += 8) {
        const std::uint64_t word = random();
        content.replace(at, 8, reinterpret_cast<const char*>(&word), 8);
    }
    return content;
}

}  // namespace mistamover::test
