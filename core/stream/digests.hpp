// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <thread>
#include <vector>

#include <mistamover/status.hpp>

#include "files/digest.hpp"
#include "stream/manifest.hpp"

namespace mistamover::stream {

class CancelToken;

/// Of the stream's scope: no file can be compared by such digests until somebody changes that.
Status status_of(const files::DigestRefused& refused);

/// The digests of files, computed by a thread of its own while the files are being sent: what one of the two
/// reads from the disk the other finds in memory, whichever way the module reads. A file that changes between
/// the two has another digest than what is sent, which the receiver notices. Used by one thread.
class Digests {
  public:
    struct Digest {
        std::string text;
        Status status;  ///< Why there is none, else.
    };

    /// Begins at once. `cancel` must outlive the object.
    Digests(int directory_fd, std::vector<ManifestEntry> files, std::string algorithm,
            const CancelToken& cancel);
    /// Gives up what has not been computed yet.
    ~Digests() = default;
    Digests(const Digests&) = delete;
    Digests& operator=(const Digests&) = delete;

    /// Waits for all: one a file, in their order.
    const std::vector<Digest>& wait();

  private:
    std::vector<Digest> digests_;
    std::jthread thread_;
};

}  // namespace mistamover::stream
