// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/server.hpp"
#include "sftp/sftp_options.hpp"

namespace mistamover::sftp {

/// Temporary files of one session: names that no other session has, with nothing of the final name in them,
/// which may be as long as a name can be.
class TempNames {
  public:
    /// `directory`: of the stream's temporary files, as the server knows it.
    explicit TempNames(std::string directory);
    [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
    [[nodiscard]] std::string next();

  private:
    std::string directory_;
    std::string prefix_;
    std::uint64_t count_ = 0;
};

/// One put request, with the requests of many files on their way at once. Guarantees, while the connection
/// lasts: nothing partial is left behind under a final name but with Publish::direct, and no temporary file;
/// an item is reported as ok only once the server has confirmed every write, the close and the rename.
class BatchPut {
  public:
    /// Opens the source root; throws StatusError where that fails.
    BatchPut(Server& server, TempNames& temp_names, const SftpOptions& options,
             border::SessionContext& context, const PutRequest& request, PutSink& sink);
    BatchPut(const BatchPut&) = delete;
    BatchPut& operator=(const BatchPut&) = delete;
    ~BatchPut();

    /// As Session::put; throws StatusError where the connection fails.
    Status run();

  private:
    /// One item on its way; stays where it is until it is reported.
    struct Item {
        std::size_t index = 0;
        std::string target;  ///< Its final name, as the server knows it.
        std::string temp;    ///< What is written; empty while nothing is.
        std::string handle;
        std::optional<SourceFile> source;
        std::uint64_t offset = 0;  ///< What has been asked to be written.
        std::size_t due = 0;       ///< Answers that are due before it can be published.
        bool made_temp_directory = false;
        Status failure;
        PutReport report;
        std::list<Item>::iterator self;
    };

    [[nodiscard]] const PutItem& put_item(const Item& item) const { return request_.items[item.index]; }
    void start_items();
    void start(std::size_t index);
    void start_directory(Item& item);
    void finish_directory(Item& item, const std::optional<Status>& refusal, const Attributes& found);
    void start_link(Item& item);
    void start_file(Item& item);
    void make_temp_directory(Item& item);
    void on_opened(Item& item, Reply& reply);
    void feed();
    void write_piece(Item& item);
    void seal(Item& item);
    void settle(Item& item, const Reply& reply, const char* doing, StatusCode unspecific);
    void end_writing(Item& item);
    void publish(Item& item);
    void finish_refused(Item& item, const Status& refusal);
    void fail(Item& item, const Status& status);
    void report(Item& item);
    void cancel();

    Server& server_;
    Pipeline& pipeline_;
    TempNames& temp_names_;
    const SftpOptions& options_;
    border::SessionContext& context_;
    const PutRequest& request_;
    PutSink& sink_;
    SourceRoot source_root_;
    std::list<Item> items_;      ///< On their way.
    std::deque<Item*> writing_;  ///< Opened and not yet wholly asked to be written.
    std::size_t next_ = 0;
    std::size_t unconfirmed_ = 0;  ///< Bytes.
    Status temp_directory_;        ///< Why it could not be made, where it could not.
    Status end_;                   ///< Why nothing more is started.
};

}  // namespace mistamover::sftp
