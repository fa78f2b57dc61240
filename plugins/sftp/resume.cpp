// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/resume.hpp"

#include <algorithm>
#include <random>

#include "sftp/one_file.hpp"

namespace mistamover::sftp {
namespace {

constexpr std::uint64_t stretch = 1ULL << 20U;
constexpr std::uint32_t sample_size = 4096;
constexpr std::uint32_t read_size = 32768;
constexpr std::size_t most_reads = 64;

std::string open_again(Server& server, const std::string& path) {
    std::string handle;
    server.ask(
        PacketType::open,
        [&](PacketWriter& packet) {
            packet.text(path).number(open_flag::read | open_flag::write).attributes({});
        },
        [&](Reply& reply) {
            if (reply.type == PacketType::handle) {
                handle = reply.body.text();
            }
        });
    return handle;
}

/// Reads pieces of an open file, many at once, and compares them with the source.
class Comparison {
  public:
    Comparison(Server& server, const std::string& handle, SourceFile& source)
        : pipeline_(server.pipeline()), handle_(handle), source_(source) {}

    void compare(std::uint64_t offset, std::uint32_t size) {
        pipeline_.request(
            PacketType::read,
            [&](PacketWriter& packet) { packet.text(handle_).long_number(offset).number(size); },
            [this, offset, size](Reply& reply) {
                std::string expected(size, '\0');
                same_ = same_ && reply.type == PacketType::data &&
                        source_.read(offset, expected.data(), size).ok() && reply.body.text() == expected;
            });
        while (pipeline_.in_flight() > most_reads) {
            pipeline_.pump();
        }
    }
    bool finish() {
        pipeline_.finish();
        return same_;
    }

  private:
    Pipeline& pipeline_;
    const std::string& handle_;
    SourceFile& source_;
    bool same_ = true;
};

bool begins_like(Server& server, const std::string& handle, SourceFile& source, std::uint64_t size) {
    Comparison comparison(server, handle, source);
    std::minstd_rand random{std::random_device{}()};
    const std::uint64_t last = size - std::min(size, stretch);
    for (std::uint64_t start = 0; start < last; start += stretch) {
        // What a disk loses it loses by the page.
        const std::uint64_t page = random() % (stretch / sample_size);
        comparison.compare(
            std::min(start + page * sample_size, last - std::min<std::uint64_t>(last, sample_size)),
            sample_size);
    }
    for (std::uint64_t start = last; start < size; start += read_size) {
        comparison.compare(start,
                           static_cast<std::uint32_t>(std::min<std::uint64_t>(size - start, read_size)));
    }
    return comparison.finish();
}

}  // namespace

std::optional<Resumed> resume(Server& server, const Leftover& leftover, SourceFile& source) {
    const std::uint64_t offset = resume_offset(leftover.confirmed);
    if (leftover.source_identity != source.identity()) {
        return std::nullopt;
    }
    const std::string handle = open_again(server, leftover.temp_name);
    if (handle.empty()) {
        return std::nullopt;
    }
    if (size_of(server, handle) >= offset && begins_like(server, handle, source, offset)) {
        return Resumed{handle, offset};
    }
    server.ask(
        PacketType::close, [&](PacketWriter& packet) { packet.text(handle); }, [](Reply&) {});
    return std::nullopt;
}

}  // namespace mistamover::sftp
