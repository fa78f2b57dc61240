// SPDX-License-Identifier: BSD-3-Clause
#include "stream/requirements.hpp"

#include <string>

namespace mistamover::stream {
namespace {

Status cannot(const std::string& what) {
    return {StatusCode::configuration, StatusScope::stream, "this target cannot " + what};
}

}  // namespace

Status check_requirements(const config::OutgoingSettings& settings, Capabilities capabilities) {
    if (settings.target_uses_arrival_monitor) {
        return {};  // the receiver proves what arrived, and needs no renaming
    }
    const bool native_mirror =
        capabilities.has(Capability::mirror) && settings.verify != config::Verify::checksum;
    if (settings.verify == config::Verify::checksum && !capabilities.has(Capability::checksum)) {
        return cannot(
            "compute checksums: set outgoing.verify: size, or use the arrivals protocol "
            "(outgoing.target_uses_arrival_monitor: true)");
    }
    if (settings.publish == Publish::rename && !capabilities.has(Capability::publish_rename)) {
        return cannot(
            "rename a file into place: set outgoing.publish: direct, whereby readers may see half a file, or "
            "use the arrivals protocol");
    }
    if (settings.mode == TransferMode::mirror && !native_mirror) {
        if (!capabilities.has(Capability::list)) {
            return cannot("list its files, so it cannot be made a mirror: set outgoing.transfer_mode: move");
        }
        if (settings.mirror_delete && !capabilities.has(Capability::remove)) {
            return cannot("remove files: set outgoing.mirror_delete: false");
        }
    }
    const bool places_trees = capabilities.has(Capability::make_directory) &&
                              (capabilities.has(Capability::rename) || settings.publish == Publish::direct);
    if (settings.mode == TransferMode::move && settings.directories == config::DirectoryForm::tree &&
        !places_trees) {
        return cannot(
            "rename a directory into place: set outgoing.directories: zip, or outgoing.publish: direct");
    }
    return {};
}

}  // namespace mistamover::stream
