// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/connections.hpp"
#include "sftp/pieces.hpp"
#include "sftp/second_line.hpp"
#include "sftp/server.hpp"
#include "sftp/sftp_options.hpp"
#include "sftp/write_pace.hpp"

namespace mistamover::sftp {

/// A file that the server has opened, on its way there.
struct OutgoingFile {
    std::string target;  ///< Its final name, as the server knows it.
    std::string temp;    ///< What is written; empty while nothing is.
    std::string handle;  ///< Empty while it is not open.
    std::optional<SourceFile> source;
    std::uint64_t size = 0;
    bool may_be_shared = false;  ///< Two connections may write it at once.
    Attributes attributes;       ///< What the copy gets beside its contents.
    Pieces pieces;               ///< Of its contents.
    std::size_t due = 0;         ///< Answers that are due before it has ended.
    Status failure;
    PutReport report;

    /// The first failure counts.
    void fail(const Status& status) {
        if (failure.ok()) {
            failure = status;
        }
    }
};

/// Fills the files of one put, with the writes of many on their way at once, and closes them. A large one is
/// filled by two connections, where one is spare.
class FileWriter {
  public:
    using OnEnd = std::function<void(OutgoingFile&)>;

    /// `on_end` is called for each file once the server has answered all that was asked for it, from
    /// Pipeline::pump.
    FileWriter(Server& server, Connections& connections, const SftpOptions& options,
               border::SessionContext& context, OnEnd on_end);
    FileWriter(const FileWriter&) = delete;
    FileWriter& operator=(const FileWriter&) = delete;

    /// An open file, whose pieces are to be written. It stays where it is until it has ended.
    void add(OutgoingFile& file);
    /// Asks for as many writes as may be on their way. Throws StatusError where the second connection is lost
    /// with what it had confirmed: as after a break of the first, the file goes on where it was.
    void feed();
    /// Ends every file that is not yet wholly asked to be written.
    void give_up(const Status& why);
    /// Closes a file that was opened too late to be filled.
    void end(OutgoingFile& file);
    /// Nobody writes a shared file any more; one of which nothing is good then has failed.
    void stop_sharing();
    /// True for a refusal to give what was just made its mode and time, where that is not worth the failure.
    bool can_do_without(const Reply& reply);

  private:
    void write_piece(OutgoingFile& file, const Piece& piece);
    void share(OutgoingFile& file);
    void end_sharing();
    void seal(OutgoingFile& file);
    void note_written(OutgoingFile& file, const Piece& piece);
    void settle(OutgoingFile& file, const Reply& reply, const char* doing, StatusCode unspecific);
    void settle(OutgoingFile& file);

    Server& server_;
    Pipeline& pipeline_;
    Connections& connections_;
    const SftpOptions& options_;
    border::SessionContext& context_;
    OnEnd on_end_;
    std::deque<OutgoingFile*> files_;  ///< Not yet wholly asked to be written.
    WritePace pace_;
    OutgoingFile* shared_ = nullptr;         ///< Of files_.
    std::optional<SecondLine> second_line_;  ///< While one is shared.
};

}  // namespace mistamover::sftp
