// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/packet.hpp"

#include <algorithm>
#include <cstring>
#include <sys/stat.h>

#include <mistamover/transfer_module.hpp>

namespace mistamover::sftp {
namespace {

constexpr std::uint32_t has_size = 0x01;
constexpr std::uint32_t has_owner = 0x02;
constexpr std::uint32_t has_mode = 0x04;
constexpr std::uint32_t has_times = 0x08;
constexpr std::uint32_t has_extended = 0x80000000;
constexpr std::size_t number_size = 4;

void encode(std::uint32_t value, char* at) noexcept {
    for (int shift = 24; shift >= 0; shift -= 8) {
        *at++ = static_cast<char>(value >> static_cast<unsigned>(shift));
    }
}

std::uint32_t decode(std::string_view bytes) noexcept {
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, number_size)) {
        value = value << 8U | static_cast<unsigned char>(byte);
    }
    return value;
}

EntryKind kind_of(std::uint32_t mode) {
    if (S_ISREG(mode)) {
        return EntryKind::file;
    }
    if (S_ISDIR(mode)) {
        return EntryKind::directory;
    }
    return S_ISLNK(mode) ? EntryKind::symlink : EntryKind::other;
}

[[noreturn]] void refuse_stream(std::string_view bytes, bool connected) {
    std::string shown(bytes.substr(0, 60));
    std::replace_if(
        shown.begin(), shown.end(), [](char byte) { return byte < ' ' || byte > '~'; }, ' ');
    if (connected) {
        throw StatusError(Status(StatusCode::corrupt, StatusScope::session,
                                 "what the server sends is not SFTP any more: " + shown)
                              .with_outcome_unknown());
    }
    throw StatusError(
        {StatusCode::configuration, StatusScope::stream,
         "what the server sends is not SFTP (does its login shell print something?): " + shown});
}

}  // namespace

EntryInfo info_of(const Attributes& attributes) {
    EntryInfo info;
    info.size = attributes.size.value_or(0);
    if (attributes.mtime) {
        info.mtime_ns = std::int64_t{*attributes.mtime} * 1'000'000'000;
        info.mtime_precision_ns = 1'000'000'000;
    }
    if (attributes.mode) {
        info.mode = *attributes.mode & 07777U;
        info.kind = kind_of(*attributes.mode);
    } else {
        info.kind = EntryKind::other;
    }
    return info;
}

char* OutputBuffer::reserve(std::size_t size) {
    if (end_ + size > capacity_) {
        const std::size_t held = end_ - begin_;
        if (held + size > capacity_) {
            const std::size_t capacity = std::max<std::size_t>(2 * (held + size), 65536);
            auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
            if (held != 0) {
                std::memcpy(bytes.get(), bytes_.get() + begin_, held);
            }
            bytes_ = std::move(bytes);
            capacity_ = capacity;
        } else {
            std::memmove(bytes_.get(), bytes_.get() + begin_, held);
        }
        begin_ = 0;
        end_ = held;
    }
    return bytes_.get() + end_;
}

void OutputBuffer::append(std::string_view bytes) {
    char* const at = reserve(bytes.size());
    if (!bytes.empty()) {
        std::memcpy(at, bytes.data(), bytes.size());
    }
    commit(bytes.size());
}

void OutputBuffer::consume(std::size_t size) noexcept {
    begin_ += size;
    if (begin_ == end_) {
        begin_ = 0;
        end_ = 0;
    }
}

void OutputBuffer::patch(std::size_t offset, std::uint32_t value) noexcept {
    encode(value, bytes_.get() + begin_ + offset);
}

PacketWriter::PacketWriter(OutputBuffer& output, PacketType type) : output_(output), start_(output.size()) {
    number(0);
    const char byte = static_cast<char>(type);
    output_.append({&byte, 1});
}

PacketWriter::~PacketWriter() {
    output_.patch(start_, static_cast<std::uint32_t>(output_.size() - start_ - number_size));
}

PacketWriter& PacketWriter::number(std::uint32_t value) {
    encode(value, output_.reserve(number_size));
    output_.commit(number_size);
    return *this;
}

PacketWriter& PacketWriter::long_number(std::uint64_t value) {
    number(static_cast<std::uint32_t>(value >> 32U));
    return number(static_cast<std::uint32_t>(value));
}

PacketWriter& PacketWriter::text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    output_.append(value);
    return *this;
}

char* PacketWriter::blank_text(std::size_t size) {
    number(static_cast<std::uint32_t>(size));
    char* const at = output_.reserve(size);
    output_.commit(size);
    return at;
}

PacketWriter& PacketWriter::attributes(const Attributes& value) {
    number((value.size ? has_size : 0) | (value.mode ? has_mode : 0) | (value.mtime ? has_times : 0));
    if (value.size) {
        long_number(*value.size);
    }
    if (value.mode) {
        number(*value.mode);
    }
    if (value.mtime) {
        number(*value.mtime);
        number(*value.mtime);
    }
    return *this;
}

std::string_view PacketReader::take(std::size_t size) {
    if (size > rest_.size()) {
        throw StatusError(
            {StatusCode::corrupt, StatusScope::session, "the server sent a packet that is cut short"});
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
}

PacketType PacketReader::type() {
    return static_cast<PacketType>(take(1).front());
}

std::uint32_t PacketReader::number() {
    return decode(take(number_size));
}

std::uint64_t PacketReader::long_number() {
    const std::uint64_t high = number();
    return high << 32U | number();
}

std::string_view PacketReader::text() {
    return take(number());
}

Attributes PacketReader::attributes() {
    Attributes found;
    const std::uint32_t flags = number();
    if ((flags & has_size) != 0) {
        found.size = long_number();
    }
    if ((flags & has_owner) != 0) {
        (void)long_number();
    }
    if ((flags & has_mode) != 0) {
        found.mode = number();
    }
    if ((flags & has_times) != 0) {
        (void)number();
        found.mtime = number();
    }
    if ((flags & has_extended) != 0) {
        for (std::uint32_t left = number(); left > 0; --left) {
            (void)text();
            (void)text();
        }
    }
    return found;
}

void PacketSplitter::feed(std::string_view bytes) {
    bytes_.erase(0, begin_);
    begin_ = 0;
    bytes_ += bytes;
}

std::optional<std::string_view> PacketSplitter::next() {
    const std::string_view rest = std::string_view(bytes_).substr(begin_);
    if (rest.size() < number_size) {
        return std::nullopt;
    }
    const std::size_t size = decode(rest);
    if (size == 0 || size > longest_packet) {
        refuse_stream(rest, connected_);
    }
    if (rest.size() < number_size + size) {
        return std::nullopt;
    }
    begin_ += number_size + size;
    return rest.substr(number_size, size);
}

}  // namespace mistamover::sftp
