// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/server.hpp"
#include "sftp/sftp_options.hpp"

namespace mistamover::sftp {

/// How much to ask for in one write: more where answers come fast, less where they come slowly, so that a
/// slow line, however slow, is seen to be alive. Pure: takes the time as an argument.
class PieceSize {
  public:
    using Clock = std::chrono::steady_clock;

    /// `most`: what the server takes.
    explicit PieceSize(std::size_t most) : most_(most), size_(std::min(most, first)) {}
    [[nodiscard]] std::size_t bytes() const noexcept { return size_; }
    /// A write was answered, and the answer before it came `interval` earlier.
    void answered(Clock::duration interval);

  private:
    static constexpr std::size_t first = 32UL * 1024;
    static constexpr std::size_t smallest = 4UL * 1024;
    static constexpr std::size_t largest = 256UL * 1024;

    std::size_t most_;
    std::size_t size_;
};

/// How many bytes may be on their way without an answer: twice what the line holds by its shortest time to an
/// answer and its rate. As long as the window is what limits the rate, it grows by that. More would only wait
/// at the server, whose sshd needs time for every byte that it has to keep. Pure: takes the time as an
/// argument.
class SendWindow {
  public:
    using Clock = PieceSize::Clock;

    [[nodiscard]] std::size_t bytes() const noexcept { return size_; }
    /// Nothing is on its way: the time until the next write says nothing of the line.
    void idle() {
        counted_since_ = {};
        counted_ = 0;
    }
    /// A write of so many bytes, asked for at `asked`, was answered.
    void answered(std::size_t bytes, Clock::time_point asked, Clock::time_point now);

  private:
    static constexpr std::size_t smallest = 256UL * 1024;
    static constexpr std::size_t largest = 4UL * 1024 * 1024;

    std::size_t size_ = smallest;
    Clock::duration shortest_ = Clock::duration::max();
    Clock::time_point counted_since_{};
    std::size_t counted_ = 0;
};

/// A file that the server has opened, on its way there.
struct OutgoingFile {
    std::string target;  ///< Its final name, as the server knows it.
    std::string handle;  ///< Empty while it is not open.
    std::optional<SourceFile> source;
    std::uint64_t size = 0;
    Attributes attributes;        ///< What the copy gets beside its contents.
    std::uint64_t offset = 0;     ///< What has been asked to be written.
    std::uint64_t confirmed = 0;  ///< Bytes from the start that the server has said it has.
    std::size_t due = 0;          ///< Answers that are due before it has ended.
    Status failure;
    PutReport report;

    /// The first failure counts.
    void fail(const Status& status) {
        if (failure.ok()) {
            failure = status;
        }
    }
};

/// Fills the files of one put, with the writes of many on their way at once, and closes them.
class FileWriter {
  public:
    using OnEnd = std::function<void(OutgoingFile&)>;

    /// `on_end` is called for each file once the server has answered all that was asked for it, from
    /// Pipeline::pump.
    FileWriter(Server& server, const SftpOptions& options, border::SessionContext& context, OnEnd on_end);
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    /// An open file, written from its offset on. It stays where it is until it has ended.
    void add(OutgoingFile& file) { files_.push_back(&file); }
    /// Asks for as many writes as may be on their way.
    void feed();
    /// Ends every file that is not yet wholly asked to be written.
    void give_up(const Status& why);
    /// Closes a file that was opened too late to be filled.
    void end(OutgoingFile& file);
    /// True for a refusal to give what was just made its mode and time, where that is not worth the failure.
    bool can_do_without(const Reply& reply);

  private:
    using Clock = std::chrono::steady_clock;

    void write_piece(OutgoingFile& file);
    void seal(OutgoingFile& file);
    void note_answer(OutgoingFile& file, std::uint64_t offset, std::size_t size, Clock::time_point asked);
    void settle(OutgoingFile& file, const Reply& reply, const char* doing, StatusCode unspecific);
    void settle(OutgoingFile& file);

    Server& server_;
    Pipeline& pipeline_;
    const SftpOptions& options_;
    border::SessionContext& context_;
    OnEnd on_end_;
    std::deque<OutgoingFile*> files_;  ///< Not yet wholly asked to be written.
    PieceSize piece_;
    SendWindow window_;
    Clock::time_point last_answer_;
    std::size_t unconfirmed_ = 0;  ///< Bytes.
};

}  // namespace mistamover::sftp
