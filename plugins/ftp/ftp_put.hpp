// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "ftp/ftp_data.hpp"

namespace mistamover::ftp {

/// Temporary files that a broken connection has left, so that another session can go on with them. Safe from
/// several threads.
class Leftovers {
  public:
    void keep(const std::string& item, const std::string& temp_name);
    /// The name, which is the caller's from now on; empty where there is none.
    std::string take(const std::string& item);

  private:
    std::mutex mutex_;
    std::map<std::string, std::string> names_;
};

/// What all sessions of a module share.
struct ModuleState {
    std::atomic<std::uint64_t> next_temp{0};
    std::atomic<bool> logged_in{false};
    std::atomic<bool> probed{false};        ///< The next two are known.
    std::atomic<bool> renames_over{false};  ///< A rename replaces a file that is there.
    std::atomic<bool> doubles_iac{true};    ///< See NameRules.
    std::atomic<bool> lists_hidden{false};  ///< A listing has shown a dot-name.
    Leftovers leftovers;
};

/// What a put needs of its session.
struct PutTools {
    const FtpOptions& options;
    Control& control;
    DataChannel& data;
    ModuleState& shared;
    SessionContext& context;
};

/// A name for a temporary file, relative to the target directory, that no other session or process uses.
std::string new_temp_name(const FtpOptions& options, ModuleState& shared);

/// One put request. A file is stored under a temporary name; when the server has said that it is complete,
/// it is asked for its size, and when that is right, it is renamed. These commands travel together with those
/// that store the files behind it. An item is reported ok only when the server has confirmed the last of
/// them.
class Put {
  public:
    Put(PutTools tools, const PutRequest& request, PutSink& sink);

    /// As Session::put.
    Status run();

  private:
    struct Stored {
        std::size_t index = 0;
        std::string temp_name;
        std::string final_name;
        PutReport report;
        Status failure;
    };

    void put(std::size_t index);
    Status make_directory(const PutItem& item);
    void store(std::size_t index);
    std::uint64_t resume_at(const std::string& temp_name, const PutItem& item);
    Status transfer(SourceFile& source, OpenedData& data, const Stored& file, std::uint64_t offset,
                    PutReport& report);
    Status send(SourceFile& source, Wire& wire, std::uint64_t offset, std::uint64_t size, PutReport& report);
    Status end_transfer(OpenedData& data);
    void discard(const std::string& temp_name);
    void queue_next_steps();
    void queue_publication();
    void queue_proof();
    void finish();

    PutTools tools_;
    const PutRequest& request_;
    PutSink& sink_;
    SourceRoot source_root_;
    std::unique_ptr<char[]> buffer_;
    std::size_t piece_;
    bool temp_made_ = false;
    std::optional<Stored> stored_;          ///< The server has it all, as it says.
    std::optional<Stored> proved_;          ///< Its size is right; to be published.
    std::vector<std::string> unpublished_;  ///< Temporary files of items that have failed.
};

}  // namespace mistamover::ftp
