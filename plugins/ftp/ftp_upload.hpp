// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <mistamover/border.hpp>
#include <mistamover/source_file.hpp>

#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// Carries files over data connections, one after the other, each to its end.
class Upload {
  public:
    explicit Upload(Tools tools);

    /// What became of a file.
    struct Result {
        Status status;
        bool partial = false;    ///< The server may have a part of it.
        bool untouched = false;  ///< It goes on with nothing for the moment: what is there is as it was.
    };
    /// Sends `source` from `offset` on to the file `name`; what is queued at the control connection goes with
    /// it. Counts in `report` what was sent, also where it throws StatusError because the connection failed.
    Result store(SourceFile& source, const std::string& name, std::uint64_t offset, std::uint64_t size,
                 PutReport& report);

  private:
    Status transfer(SourceFile& source, OpenedData& data, std::uint64_t offset, std::uint64_t size,
                    PutReport& report);
    Status send(SourceFile& source, Wire& wire, std::uint64_t offset, std::uint64_t size, PutReport& report);
    Status end_transfer(OpenedData& data);

    Tools tools_;
    std::size_t piece_;
    std::unique_ptr<char[]> buffer_;
};

}  // namespace mistamover::ftp
