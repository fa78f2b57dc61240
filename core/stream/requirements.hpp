// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/settings.hpp"

namespace mistamover::stream {

/// ok where a target that can do `capabilities` can carry out what the stream is configured to do; else a
/// failure of stream scope that names what to configure instead. Pure.
Status check_requirements(const config::OutgoingSettings& settings, Capabilities capabilities);

}  // namespace mistamover::stream
