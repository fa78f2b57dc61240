// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/leftovers.hpp>
#include <mistamover/source_file.hpp>

#include "sftp/connections.hpp"
#include "sftp/file_writer.hpp"
#include "sftp/name_sync.hpp"
#include "sftp/publish_refusal.hpp"
#include "sftp/resume.hpp"
#include "sftp/server.hpp"
#include "sftp/sftp_options.hpp"
#include "sftp/target_directories.hpp"
#include "sftp/temp_names.hpp"

namespace mistamover::sftp {

/// What a put needs of its session.
struct PutTools {
    Server& server;
    Connections& connections;
    TempNames& temp_names;
    Leftovers& leftovers;
    const SftpOptions& options;
    border::SessionContext& context;
};

/// One put request, with the requests of many files on their way at once. Guarantees: nothing partial is left
/// behind under a final name but with Publish::direct, and, while the connection lasts, no temporary file; an
/// item is reported as ok only once the server has confirmed every write, the close and the rename, and with
/// `fsync` that contents and final name are on its disk; below a target_prefix, which the caller renames,
/// only the contents. What a broken connection leaves of a large file is kept as a Leftover. No link at the
/// target is followed below the target directory: what would be written through one fails.
class BatchPut {
  public:
    /// Opens the source root; throws StatusError where that fails.
    BatchPut(const PutTools& tools, const PutRequest& request, PutSink& sink);
    BatchPut(const BatchPut&) = delete;
    BatchPut& operator=(const BatchPut&) = delete;
    ~BatchPut();

    /// As Session::put; throws StatusError where the connection fails.
    Status run();

  private:
    /// One item on its way; stays where it is until it is reported.
    struct Item : OutgoingFile {
        std::size_t index = 0;
        std::string source_identity;  ///< Empty where it is too small to go on with.
        bool made_temp_directory = false;
        bool may_overwrite = false;  ///< What has its final name is a file, or was not there.
        std::list<Item>::iterator self;
    };

    [[nodiscard]] const PutItem& put_item(const Item& item) const { return request_.items[item.index]; }
    void start_items();
    void start(std::size_t index);
    void begin_ready();
    void begin(Item& item);
    void start_directory(Item& item);
    void finish_directory(Item& item, const std::optional<Status>& refusal, const Attributes& found);
    void start_link(Item& item);
    void start_file(Item& item);
    bool go_on(Item& item);
    std::optional<Resumed> look_at_leftover(Item& item, Leftover leftover);
    void remove_at_server(const std::string& path);
    void open_file(Item& item);
    void look_before_overwriting(Item& item);
    void make_temp_directory(Item& item);
    void on_opened(Item& item, Reply& reply);
    void on_written(Item& item);
    void publish(Item& item);
    void finish(Item& item);
    void give_up(Item& item, const Status& status);
    void report(Item& item);
    void keep_leftovers();

    PutTools tools_;
    Pipeline& pipeline_;
    const PutRequest& request_;
    PutSink& sink_;
    SourceRoot source_root_;
    std::list<Item> items_;    ///< On their way.
    std::deque<Item*> ready_;  ///< Those of them whose directories are known, and that are not yet begun.
    FileWriter writer_;
    PublishRefusal publish_refusal_;
    NameSync name_sync_;
    TargetDirectories directories_;
    std::size_t next_ = 0;
    Status temp_directory_;  ///< Why it could not be made, where it could not.
    Status end_;             ///< Why nothing more is started.
};

}  // namespace mistamover::sftp
