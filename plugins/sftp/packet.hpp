// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): big-endian numbers, texts with a length
/// before them, and a length before the whole.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <mistamover/border.hpp>

namespace mistamover::sftp {

inline constexpr std::uint32_t protocol_version = 3;
/// Longer packets are refused: no server sends them, but one whose login shell prints something seems to.
inline constexpr std::size_t longest_packet = 1024UL * 1024;

enum class PacketType : std::uint8_t {
    init = 1,
    version = 2,
    open = 3,
    close = 4,
    read = 5,
    write = 6,
    lstat = 7,
    fstat = 8,
    setstat = 9,
    fsetstat = 10,
    opendir = 11,
    readdir = 12,
    remove = 13,
    mkdir = 14,
    rmdir = 15,
    stat = 17,
    rename = 18,
    symlink = 20,
    status = 101,
    handle = 102,
    data = 103,
    name = 104,
    attributes = 105,
    extended = 200,
    extended_reply = 201,
};

namespace open_flag {
inline constexpr std::uint32_t read = 0x01;
inline constexpr std::uint32_t write = 0x02;
inline constexpr std::uint32_t create = 0x08;
inline constexpr std::uint32_t truncate = 0x10;
inline constexpr std::uint32_t exclusive = 0x20;
}  // namespace open_flag

/// What a server tells of a file, or is told to give it; what is absent is unknown, or left as it is.
struct Attributes {
    std::optional<std::uint64_t> size;
    std::optional<std::uint32_t> mode;   ///< Type and permission bits, as st_mode.
    std::optional<std::uint32_t> mtime;  ///< Seconds since 1970; sent as the access time too.
};

EntryInfo info_of(const Attributes& attributes);

/// Bytes on their way out: appended at the end, taken from the front.
class OutputBuffer {
  public:
    /// Room for `size` bytes behind what is there, to be filled by the caller and then committed.
    char* reserve(std::size_t size);
    void commit(std::size_t size) noexcept { end_ += size; }
    void append(std::string_view bytes);
    void consume(std::size_t size) noexcept;
    /// Overwrites the 32-bit number at `offset` from the front.
    void patch(std::size_t offset, std::uint32_t value) noexcept;
    /// Drops what was appended behind the first `size` bytes.
    void cut(std::size_t size) noexcept { end_ = begin_ + size; }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }

  private:
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Appends one packet to a buffer; complete once it is destroyed. Nothing else is appended meanwhile.
class PacketWriter {
  public:
    PacketWriter(OutputBuffer& output, PacketType type);
    PacketWriter(const PacketWriter&) = delete;
    PacketWriter& operator=(const PacketWriter&) = delete;
    ~PacketWriter();

    PacketWriter& number(std::uint32_t value);
    PacketWriter& long_number(std::uint64_t value);
    PacketWriter& text(std::string_view value);
    PacketWriter& attributes(const Attributes& value);
    /// A text of `size` bytes, to be filled by the caller before anything else is appended.
    char* blank_text(std::size_t size);

  private:
    OutputBuffer& output_;
    std::size_t start_;
};

/// Reads the fields of one packet in order; throws StatusError (`corrupt`, session scope) where it is shorter
/// than they are. The views point into the packet.
class PacketReader {
  public:
    explicit PacketReader(std::string_view packet) noexcept : rest_(packet) {}

    PacketType type();
    std::uint32_t number();
    std::uint64_t long_number();
    std::string_view text();
    Attributes attributes();
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  private:
    std::string_view take(std::size_t size);

    std::string_view rest_;
};

/// Cuts a stream of bytes into packets.
class PacketSplitter {
  public:
    void feed(std::string_view bytes);
    /// The server is known to speak SFTP.
    void connected() noexcept { connected_ = true; }
    /// The next whole packet without its length; valid until the next call. Throws StatusError where what
    /// came is not SFTP: `configuration` of stream scope, or once connected `corrupt` of session scope.
    std::optional<std::string_view> next();

  private:
    std::string bytes_;
    std::size_t begin_ = 0;
    bool connected_ = false;
};

}  // namespace mistamover::sftp
