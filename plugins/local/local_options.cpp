// SPDX-License-Identifier: BSD-3-Clause
#include "local/local_options.hpp"

#include <mistamover/transfer_module.hpp>

namespace mistamover::local {

LocalOptions::LocalOptions(const ModuleSettings& settings)
    : target_dir(settings.target_dir),
      temp_dir(settings.temp_dir),
      fsync(Options(settings.options).flag("fsync")),
      limited_bandwidth(settings.bandwidth_limit != 0),
      mode(settings.mode) {
    if (!target_dir.starts_with('/')) {
        throw StatusError({StatusCode::configuration, StatusScope::stream,
                           "outgoing.target_dir must be an absolute path with the module local, not \"" +
                               target_dir + "\""});
    }
}

}  // namespace mistamover::local
