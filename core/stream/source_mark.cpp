// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_mark.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace mistamover::stream {
namespace {

std::filesystem::path without_links(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(path, ignored);
}

}  // namespace

SourceMark::SourceMark(const std::filesystem::path& work_dir, const std::filesystem::path& source,
                       files::MountTables tables)
    : path_(work_dir / "source-mount"),
      source_(without_links(source)),
      tables_(std::move(tables)),
      mount_(files::mount_of(source_, tables_)) {}

std::string SourceMark::noted() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void SourceMark::note() {
    if (noted() != mount_) {
        std::ofstream(path_) << mount_;
    }
}

std::string SourceMark::moved_from() const {
    const std::string before = noted();
    return mount_.empty() || before == mount_ ? "" : before;
}

std::vector<std::string> SourceMark::missing_below() const {
    const std::vector<std::filesystem::path> missing = files::missing_mounts_below(source_, tables_);
    std::vector<std::string> below;
    std::transform(missing.begin(), missing.end(), std::back_inserter(below),
                   [this](const auto& path) { return path.lexically_relative(source_).string(); });
    return below;
}

}  // namespace mistamover::stream
