// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "process/channel.hpp"

namespace mistamover::supervisor {

/// Tells a child what may have changed in its directory: by name, or by a Rescan where that is too much or
/// where the child does not read as fast as things change. A change is told after it was seen, whatever else
/// is on its way to the child.
class ChangeSender {
  public:
    /// `channel` must outlive the last call of tell; its on_drained is this object's, which must outlive all
    /// that is sent through it.
    explicit ChangeSender(process::Channel& channel);
    ChangeSender(const ChangeSender&) = delete;
    ChangeSender& operator=(const ChangeSender&) = delete;

    /// `lost`: there were others, whose names are not known.
    void tell(std::vector<std::string>&& names, bool lost);

  private:
    process::Channel& channel_;
    bool owes_rescan_ = false;  ///< To be sent once the channel has drained.
};

}  // namespace mistamover::supervisor
