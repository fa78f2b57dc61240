// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_resume.hpp"

#include <algorithm>
#include <random>

#include "ftp/ftp_digest.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::uint64_t last_stretch = 1ULL << 20U;
constexpr std::uint64_t sample_size = 64UL << 10U;
// Each of them costs a data connection.
constexpr std::uint64_t samples = 4;

bool is_like(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t start,
             std::uint64_t size) {
    Reply reply;
    const std::string command = tools.control.with_path("RETR", temp_name);
    const std::string there = tools.data.fetch(command, size, reply, start);
    std::string expected(size, '\0');
    return source.read(start, expected.data(), expected.size()).ok() && there == expected;
}

bool begins_like(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size) {
    const std::uint64_t last = std::min(size, last_stretch);
    if (!is_like(tools, temp_name, source, size - last, last)) {
        return false;
    }
    std::minstd_rand random{std::random_device{}()};
    const std::uint64_t stretch = (size - last) / samples;
    for (std::uint64_t number = 0; stretch > sample_size && number < samples; ++number) {
        const std::uint64_t start = number * stretch + random() % (stretch - sample_size);
        if (!is_like(tools, temp_name, source, start, sample_size)) {
            return false;
        }
    }
    return true;
}

}  // namespace

std::uint64_t offset_to_resume(Tools tools, const Leftover& leftover, SourceFile& source) {
    if (leftover.source_identity != source.identity()) {
        return 0;
    }
    Control& control = tools.control;
    const auto there = size_of(control.call(control.with_path("SIZE", leftover.temp_name)));
    const std::uint64_t offset = there ? resume_offset(std::min(*there, leftover.confirmed)) : 0;
    return offset > 0 && begins_like(tools, leftover.temp_name, source, offset) ? offset : 0;
}

Status check_resumed(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size) {
    for (const char* algorithm : {"sha256", "md5"}) {
        if (!can_compute(tools.control.features(), algorithm)) {
            continue;
        }
        const auto digest = digest_of(ask_for_digest(tools.control, temp_name, algorithm), algorithm);
        if (digest && *digest != source_digest(source, size, algorithm)) {
            return {StatusCode::corrupt, StatusScope::item,
                    "what was put together at the server is not what was sent"};
        }
        return {};
    }
    return {};
}

}  // namespace mistamover::ftp
