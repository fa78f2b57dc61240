// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "ftp/ftp_tools.hpp"
#include "ftp/ftp_upload.hpp"

namespace mistamover::ftp {

/// One put request. A file is stored under a temporary name; when the server has said that it is complete,
/// it is asked for its size, and when that is right, it is renamed. These commands travel together with those
/// that store the files behind it. An item is reported ok only when the server has confirmed the last of
/// them.
class Put {
  public:
    Put(Tools tools, const PutRequest& request, PutSink& sink);

    /// As Session::put.
    Status run();

  private:
    struct Stored {
        std::size_t index = 0;
        std::string temp_name;
        std::string final_name;
        bool resumable = false;  ///< Another session may go on with it.
        Leftover start{};        ///< What it goes on with, if anything.
        PutReport report;
        Status failure;
    };

    void put(std::size_t index);
    Status make_directory(const PutItem& item);
    void store(std::size_t index);
    void store(SourceFile& source, Stored file);
    std::uint64_t choose_temp_name(Stored& file, SourceFile& source);
    void keep_leftover(const Stored& file, const SourceFile& source, std::uint64_t offset);
    void keep_start(const Stored& file);
    void store_failed(const Stored& file, const SourceFile& source, std::uint64_t offset,
                      const Upload::Result& result);
    void warn_of_direct(const Stored& file, const Status& status);
    void failed(const Stored& file, Status status);
    [[nodiscard]] bool is_refused_to_all(const Status& status);
    void discard(const std::string& temp_name);
    void report(const Stored& file, const Status& status);
    void give_up_held();
    void queue_next_steps();
    void queue_publication();
    void queue_proof();
    void settle_unpublished();
    void finish();

    Tools tools_;
    const PutRequest& request_;
    PutSink& sink_;
    SourceRoot source_root_;
    Upload upload_;
    bool temp_made_ = false;
    std::optional<Stored> stored_;  ///< The server has it all, as it says.
    std::optional<Stored> proved_;  ///< Its size is right; to be published.
    /// Of what the server has whole and was not reported yet, the temporary files that the core would spare,
    /// by the final name.
    std::map<std::string, std::string> held_;
    std::vector<Stored> refused_;           ///< Their names were; not reported yet.
    std::vector<std::string> unpublished_;  ///< Temporary files of items that have failed.
};

}  // namespace mistamover::ftp
