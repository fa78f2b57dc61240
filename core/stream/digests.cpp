// SPDX-License-Identifier: BSD-3-Clause
#include "stream/digests.hpp"

#include <exception>
#include <functional>
#include <stop_token>
#include <system_error>
#include <utility>

#include "stream/session_context.hpp"

namespace mistamover::stream {
namespace {

Digests::Digest compute(int directory_fd, const ManifestEntry& file, const std::string& algorithm,
                        const std::function<bool()>& cancelled) {
    try {
        return {files::digest_of(directory_fd, file.path, file.identity.size, algorithm, cancelled), {}};
    } catch (const std::system_error& error) {
        return {"", status_from_errno(error.code().value(), error.what())};
    } catch (const files::DigestRefused& refused) {
        return {"", status_of(refused)};
    } catch (const std::exception& error) {
        return {"", {StatusCode::internal, StatusScope::item, error.what()}};
    }
}

}  // namespace

Status status_of(const files::DigestRefused& refused) {
    return {StatusCode::configuration, StatusScope::stream,
            std::string(refused.what()) +
                ": let it, or set outgoing.checksum to another for what is yet to be sent"};
}

Digests::Digests(int directory_fd, std::vector<ManifestEntry> files, std::string algorithm,
                 const CancelToken& cancel)
    : digests_(files.size()),
      thread_([this, directory_fd, files = std::move(files), algorithm = std::move(algorithm),
               &cancel](const std::stop_token& ending) {
          for (std::size_t i = 0; i < files.size(); ++i) {
              digests_[i] = compute(directory_fd, files[i], algorithm,
                                    [&] { return ending.stop_requested() || cancel.cancelled(); });
          }
      }) {}

const std::vector<Digests::Digest>& Digests::wait() {
    if (thread_.joinable()) {
        thread_.join();
    }
    return digests_;
}

}  // namespace mistamover::stream
