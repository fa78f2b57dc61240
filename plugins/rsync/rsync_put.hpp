// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <mistamover/source_file.hpp>

#include "rsync/complaints.hpp"
#include "rsync/rsync_runner.hpp"

namespace mistamover::rsync {

/// One put request, as one rsync. An item is reported as ok only where rsync told that it sent that very
/// item, and ended well or an rsync that compares finds it equal at the target; and where the source is still
/// what the item says.
class PutBatch {
  public:
    /// `probe` tells whether the target directory takes anything: ok, or what keeps it from that.
    PutBatch(Runner& runner, const CommandBuilder& commands, Shared& shared, const PutRequest& request,
             PutSink& sink, std::function<Status()> probe);

    /// As Session::put.
    Status run();

  private:
    ChildEnd send();
    void note_line(std::string_view line);
    /// After an rsync that did not deliver everything: refuses what it did not tell as sent, and finds out
    /// what is there of the rest.
    Status reconcile(const ChildEnd& end);
    Status compare(const Complaints& complaints, const std::vector<std::size_t>& indices);
    /// Reports each of these, unless it is the target directory that takes nothing.
    Status report_each(const std::vector<std::size_t>& indices, const Complaints& complaints);
    void report(std::size_t index, const Status& failure);
    [[nodiscard]] bool source_is_unchanged(const PutItem& item) const;

    /// `in_doubt`: told as sent, and not found at the target; it may have been there, and taken away.
    enum class Fate : unsigned char { untold, delivered, refused, in_doubt };

    Runner& runner_;
    const CommandBuilder& commands_;
    Shared& shared_;
    const PutRequest& request_;
    PutSink& sink_;
    std::function<Status()> probe_;
    SourceRoot root_;
    std::vector<std::string_view> names_;
    std::uint64_t bytes_ = 0;
    std::unordered_map<std::string_view, std::size_t> index_of_;
    std::vector<Fate> fates_;
};

}  // namespace mistamover::rsync
