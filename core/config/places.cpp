// SPDX-License-Identifier: BSD-3-Clause
#include "config/places.hpp"

#include <cerrno>
#include <sys/stat.h>

#include "config/targets.hpp"

namespace mistamover::config {
namespace {

std::filesystem::path resolved(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::path whole = std::filesystem::weakly_canonical(path, error);
    return error || path.empty() ? path : whole;
}

// Nothing where that cannot be told.
std::optional<dev_t> file_system_of(std::filesystem::path path) {
    struct stat info {};
    while (::stat(path.c_str(), &info) != 0) {
        if ((errno != ENOENT && errno != ENOTDIR) || !path.has_relative_path()) {
            return std::nullopt;
        }
        path = path.parent_path();
    }
    return info.st_dev;
}

}  // namespace

StreamSettings with_resolved_paths(StreamSettings stream) {
    for (std::filesystem::path* path :
         {&stream.directory, &stream.incoming.directory, &stream.outgoing.quarantine_dir,
          &stream.global.run_dir, &stream.global.config_dir, &stream.global.logging.base_log_dir}) {
        *path = resolved(*path);
    }
    if (target_is_local(stream) && stream.outgoing.target_dir.starts_with('/')) {
        stream.outgoing.target_dir = resolved(stream.outgoing.target_dir).string();
    }
    return stream;
}

std::optional<Conflict> quarantine_elsewhere(const StreamSettings& stream) {
    const OutgoingSettings& out = stream.outgoing;
    if (out.mode != TransferMode::move || out.plugin.empty() || out.plugin == "none") {
        return std::nullopt;
    }
    const std::optional<dev_t> units = file_system_of(stream.directory);
    const std::optional<dev_t> quarantine = file_system_of(out.quarantine_dir);
    if (!units || !quarantine || *units == *quarantine) {
        return std::nullopt;
    }
    return Conflict{"outgoing",
                    "quarantine_dir",
                    "is on another file system than the stream's directory, so that no unit can be renamed "
                    "into it: choose a directory on the same file system",
                    {{"data_stream", "directory"}, {"outgoing", "transfer_mode"}, {"outgoing", "plugin"}}};
}

}  // namespace mistamover::config
