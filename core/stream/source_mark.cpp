// SPDX-License-Identifier: BSD-3-Clause
#include "stream/source_mark.hpp"

#include <fstream>
#include <iterator>
#include <system_error>

#include "files/mounts.hpp"

namespace mistamover::stream {
namespace {

std::string mount_of_canonical(const std::filesystem::path& path) {
    std::error_code ignored;
    return files::mount_of(std::filesystem::weakly_canonical(path, ignored));
}

}  // namespace

SourceMark::SourceMark(const std::filesystem::path& work_dir, const std::filesystem::path& source)
    : path_(work_dir / "source-mount"), mount_(mount_of_canonical(source)) {}

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

}  // namespace mistamover::stream
