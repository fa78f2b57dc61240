// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "module_settings.hpp"
#include "rsync/rsync_options.hpp"

namespace mistamover::rsync::test {

class Settings : public mistamover::test::SettingsOfModule {
  public:
    Settings() : SettingsOfModule(option_specs) {}
};

}  // namespace mistamover::rsync::test
