// SPDX-License-Identifier: BSD-3-Clause
#include "stream/small_files.hpp"

#include <algorithm>

#include "stream/proof.hpp"

namespace mistamover::stream {
namespace {

class FileCollector final : public GetSink {
  public:
    explicit FileCollector(std::vector<SmallFile>& files) : files_(files) {}
    void got(std::size_t index, const Status& status, std::string_view data) noexcept override {
        try {
            if (index < files_.size()) {
                files_[index] = {status, std::string(data)};
            }
        } catch (...) {
            files_[index] = {};
        }
    }

  private:
    std::vector<SmallFile>& files_;
};

class OneFile final : public BytesSink {
  public:
    explicit OneFile(SmallFile& file) : file_(file) {}
    void bytes(std::string_view data) noexcept override {
        try {
            file_.text += data;
        } catch (...) {
            complete = false;
        }
    }
    bool complete = true;

  private:
    SmallFile& file_;
};

}  // namespace

Status get_small_files(border::Session& session, Capabilities capabilities,
                       std::span<const std::string_view> paths, std::uint64_t limit,
                       std::vector<SmallFile>& files) {
    files.assign(paths.size(), {});
    if (capabilities.has(Capability::get_many)) {
        FileCollector collector(files);
        const Status status = session.call_get_many(paths, limit, collector);
        const bool all_told = std::all_of(files.begin(), files.end(),
                                          [](const SmallFile& file) { return file.status.has_value(); });
        // No file is to blame for what kept others from being read.
        return all_told && !status.beyond_item() ? Status{} : status.of_session();
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        OneFile file(files[i]);
        const Status status = session.call_get_small(paths[i], limit, file);
        if (status.beyond_item()) {
            return status;
        }
        if (file.complete) {
            files[i].status = status;
        }
    }
    return {};
}

}  // namespace mistamover::stream
