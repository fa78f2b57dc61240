// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_resume.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_digest.hpp"
#include "ftp/ftp_failure.hpp"

namespace mistamover::ftp {
namespace {

constexpr std::uint64_t last_stretch = 1ULL << 20U;
constexpr std::uint64_t sample_size = 64UL << 10U;
// Each of them costs a data connection.
constexpr std::uint64_t samples = 4;
constexpr std::uint64_t longest_read = 8ULL << 20U;
constexpr std::array algorithms{"sha256", "md5"};

/// What is refused for the moment only tells nothing of what is there.
void throw_if_passing(const Reply& reply) {
    if (reply.passing_failure()) {
        throw StatusError(
            session_failure(reply, During::request, "compare what is there of a file with its source"));
    }
}

bool computes_digest(Tools tools) {
    return std::any_of(algorithms.begin(), algorithms.end(), [&](const char* algorithm) {
        return can_compute(tools.control.features(), algorithm);
    });
}

/// Whether so much from `start` on is the source's. Reads `limit` bytes at most; less than the rest of the
/// file cuts the transfer off.
bool is_like(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t start,
             std::uint64_t size, std::uint64_t limit) {
    Reply reply;
    const std::string command = tools.control.with_path("RETR", temp_name);
    const std::string there = tools.data.fetch(command, limit, reply, start);
    throw_if_passing(reply);
    std::string expected(size, '\0');
    return source.read(start, expected.data(), expected.size()).ok() && there.starts_with(expected);
}

bool samples_are_like(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size) {
    std::minstd_rand random{std::random_device{}()};
    const std::uint64_t stretch = size / samples;
    for (std::uint64_t number = 0; stretch > sample_size && number < samples; ++number) {
        const std::uint64_t start = number * stretch + random() % (stretch - sample_size);
        if (!is_like(tools, temp_name, source, start, sample_size, sample_size)) {
            return false;
        }
    }
    return true;
}

/// Whether the first `size` of its `there` bytes are the source's, as far as is looked.
bool begins_like(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size,
                 std::uint64_t there) {
    const std::uint64_t last = std::min(size, last_stretch);
    const std::uint64_t start = size - last;
    // One byte more than there are: to the end of the file, where it is not far.
    if (!is_like(tools, temp_name, source, start, last, std::min(there - start + 1, longest_read))) {
        return false;
    }
    // Its checksum tells more than samples do, for each of which a transfer must be cut off: over TLS,
    // ProFTPD ends the connection then.
    return computes_digest(tools) || samples_are_like(tools, temp_name, source, start);
}

}  // namespace

std::uint64_t offset_to_resume(Tools tools, const Leftover& leftover, SourceFile& source) {
    if (leftover.source_identity != source.identity()) {
        return 0;
    }
    Control& control = tools.control;
    const Reply size = control.call(control.with_path("SIZE", leftover.temp_name));
    throw_if_passing(size);
    const auto there = size_of(size);
    const std::uint64_t offset = there ? resume_offset(std::min(*there, leftover.confirmed)) : 0;
    return offset > 0 && begins_like(tools, leftover.temp_name, source, offset, *there) ? offset : 0;
}

Status check_resumed(Tools tools, const std::string& temp_name, SourceFile& source, std::uint64_t size) {
    for (const char* algorithm : algorithms) {
        if (!can_compute(tools.control.features(), algorithm)) {
            continue;
        }
        const Reply reply = ask_for_digest(tools.control, temp_name, algorithm);
        throw_if_passing(reply);
        const auto digest = digest_of(reply, temp_name, algorithm);
        const bool same = digest ? *digest == source_digest(tools.context, source, size, algorithm)
                                 : samples_are_like(tools, temp_name, source, size);
        return same ? Status{}
                    : Status(StatusCode::corrupt, StatusScope::item,
                             "what was put together at the server is not what was sent");
    }
    return {};
}

}  // namespace mistamover::ftp
