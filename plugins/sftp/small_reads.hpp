// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <mistamover/border.hpp>

#include "sftp/server.hpp"

namespace mistamover::sftp {

/// Whole small files, many at once, each by lstat, open, read and close. Its requests are answered while the
/// server's pipeline is pumped, which it must outlive.
class SmallReads {
  public:
    /// `sink` is told of each file once; one longer than `limit` bytes is refused.
    SmallReads(Server& server, std::uint64_t limit, GetSink& sink)
        : server_(server), limit_(limit), sink_(sink) {}

    void begin(std::size_t index, std::string path);

  private:
    struct File {
        std::size_t index;
        std::string path;
        std::string handle;
        std::uint64_t size;
        std::string content;
    };
    using FileRef = std::shared_ptr<File>;

    void looked_at(const FileRef& file, Reply& reply);
    void opened(const FileRef& file, Reply& reply);
    void read(const FileRef& file);
    void has_read(const FileRef& file, Reply& reply);
    void end(const File& file, const Status& status);

    Server& server_;
    std::uint64_t limit_;
    GetSink& sink_;
};

}  // namespace mistamover::sftp
