// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_upload.hpp"

#include <algorithm>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

constexpr std::size_t full_piece = 256UL * 1024;
constexpr std::size_t paced_piece = 16UL * 1024;
// What fits into the socket's buffer is sent without waiting for the server's leave.
constexpr std::uint64_t eager_limit = 64UL * 1024;

/// Not for want of space, which will not come as long as the file is there.
bool refuses_for_now(const Reply& refusal) {
    return refusal.passing_failure() && refusal.code != 452;
}

}  // namespace

Upload::Upload(Tools tools)
    : tools_(tools),
      piece_(tools.options.limited_bandwidth ? paced_piece : full_piece),
      buffer_(std::make_unique_for_overwrite<char[]>(piece_)) {}

Upload::Result Upload::store(SourceFile& source, const std::string& name, std::uint64_t offset,
                             std::uint64_t size, PutReport& report) {
    OpenedData data = tools_.data.open(tools_.control.with_path("STOR", name), size <= eager_limit, offset);
    Result result;
    result.status = data.wire ? transfer(source, data, offset, size, report)
                              : reply_failure(data.refusal, During::transfer, "store");
    result.partial = data.begun || offset > 0;
    result.untouched = offset > 0 && !data.begun && refuses_for_now(data.refusal);
    return result;
}

Status Upload::transfer(SourceFile& source, OpenedData& data, std::uint64_t offset, std::uint64_t size,
                        PutReport& report) {
    bool sent = false;
    Status status;
    try {
        status = send(source, *data.wire, offset, size, report);
        sent = status.ok();
        if (sent) {
            data.wire->finish_writing();
        }
    } catch (const StatusError& error) {
        if (error.status().code() != StatusCode::connection_lost) {
            throw;
        }
        status = error.status();  // the server may say why
    }
    if (!sent) {
        data.wire.reset();
    }
    const Status end = end_transfer(data);
    if (status.ok() && end.ok()) {
        // By the server's clock it was written only now, later than what has changed in it meanwhile.
        return source.check_unchanged();
    }
    if (status.ok() || (status.code() == StatusCode::connection_lost && !end.ok())) {
        return end;
    }
    return status;
}

Status Upload::send(SourceFile& source, Wire& wire, std::uint64_t offset, std::uint64_t size,
                    PutReport& report) {
    while (offset < size) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, size - offset));
        if (const Status status = source.read(offset, buffer_.get(), length); !status.ok()) {
            return status;
        }
        tools_.context.acquire(length);
        if (tools_.context.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::item, "cancelled"});
        }
        wire.write({buffer_.get(), length});
        tools_.context.progress(length);
        report.bytes_sent += length;
        offset += length;
    }
    return source.check_unchanged();
}

/// Reads what the server says of the transfer. The data connection is closed only then: a server may still
/// read from it, and would be cut off where it has sent something that nobody has read (TLS tickets).
Status Upload::end_transfer(OpenedData& data) {
    const Reply end = tools_.data.begin(data) ? tools_.data.end_of_transfer() : data.refusal;
    data.wire.reset();
    return end.completed() ? Status{} : reply_failure(end, During::transfer, "store");
}

}  // namespace mistamover::ftp
