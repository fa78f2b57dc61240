// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include <mistamover/border.hpp>

#include "local/file_copy.hpp"
#include "local/item_source.hpp"
#include "local/temp_directory.hpp"
#include "local/tree.hpp"

namespace mistamover::local {

/// What a session keeps from one put to the next.
struct PutTools {
    Tree& target;
    TempDirectory& temp;
    FileCopier& copier;
    border::SessionContext& context;
    bool fsync = false;
    bool needs_times = false;  ///< A file without its own time counts as not sent.
    bool has_told_of_unkept = false;
    std::set<std::uint64_t> not_renamable_from = {};  ///< Devices from which a rename has failed with EXDEV.
};

/// One put request. Guarantees: nothing partial is left behind under a final name, and no temporary file; an
/// item is reported as ok only once it is complete under its final name, and on the disk where `fsync` asks
/// for that.
class ItemPut {
  public:
    /// Opens the source root; throws StatusError where that fails.
    ItemPut(PutTools& tools, const PutRequest& request, PutSink& sink);

    /// As Session::put.
    Status run();

  private:
    /// What is being written: a temporary file, or directly the final one.
    struct TargetFile {
        FileDescriptor file;
        int directory = -1;
        std::string name;
        bool is_temporary = true;
        bool is_new = true;
    };

    Status put(const PutItem& item, PutReport& report);
    Status put_directory(const PutItem& item);
    Status set_mode_of_directory(const Place& at, mode_t mode);
    Status put_file_or_link(const PutItem& item, PutReport& report);
    Status take(const PutItem& item, PutReport& report, bool& must_copy);
    Status copy_link(const PutItem& item);
    Status copy_file(const PutItem& item, PutReport& report);
    Status open_target(const struct stat& source, TargetFile& target);
    Status open_final(const struct stat& source, TargetFile& target);
    Status make_empty(const struct stat& source, const TargetFile& target);
    Status copy_contents(const PutItem& item, int source, const struct stat& before, const TargetFile& target,
                         PutReport& report);
    Status seal(const struct stat& source, const TargetFile& target);
    Status unkept(int error_number, std::string_view doing, bool can_do_without);
    Status publish_temp(const std::string& temp_name);
    Status creation_failure(int error_number);
    Status sync_directories();
    Status finish();

    struct Unreported {
        std::size_t index;
        PutReport report;
    };

    PutTools& tools_;
    const PutRequest& request_;
    PutSink& sink_;
    ItemSource source_;
    std::string target_path_;  ///< Of the present item, relative to target_dir.
    bool keep_owner_;
    std::set<std::string, std::less<>> unsynced_directories_;
    std::vector<Unreported>
        unreported_;  ///< Published, to be reported once their directories are on the disk.
};

}  // namespace mistamover::local
