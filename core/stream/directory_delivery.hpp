// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/settings.hpp"
#include "stream/proof.hpp"
#include "stream/source_directory.hpp"
#include "stream/zip_archive.hpp"

namespace mistamover::stream {

/// Sends directories through one session, as trees or as zip files, and proves that they arrived whole. Used
/// by the session's thread.
class DirectoryDelivery {
  public:
    /// `temp_dir`: ModuleSettings::temp_dir. `room`: for zip files. All must outlive this object.
    DirectoryDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                      border::Session& session, std::string temp_dir, const CancelToken& cancel,
                      ZipRoom room = {});

    /// Why the directory is never sent; ok where it is.
    [[nodiscard]] Status refusal(const std::string& name, const Manifest& manifest) const;
    /// True where a directory, once sent as a zip file, would replace the file `name` at the target. It is
    /// refused while both are there; the file must wait until it is.
    [[nodiscard]] bool would_replace(const std::string& name) const;
    struct End {
        Status status;
        /// There is no room here for the unit's zip file, as `status` says, whatever else could be sent.
        bool no_room = false;
    };
    /// ok once everything in the manifest of the unit `name` is at the target under its final name, and
    /// proved; `source_changed` where it is no longer what the manifest says. It is then not published,
    /// unless it has been added to a directory that was there, file by file.
    End deliver(const std::string& name, const Manifest& manifest);

    /// The paths at the target to which deliver() brings them.
    [[nodiscard]] std::vector<std::string> target_paths(const std::string& name,
                                                        const Manifest& manifest) const;

    /// A zip file that was made of a unit.
    struct Zip {
        std::filesystem::path directory;
        int directory_fd = -1;
        ManifestEntry file;
    };
    /// Makes a zip file of the unit, calls `use` and removes the zip file. Returns what `use` returned, or
    /// why there is no zip file: `source_changed` where it would not hold what the manifest says.
    End with_zip(const std::string& name, const Manifest& manifest,
                 const std::function<Status(const Zip&)>& use);
    /// The name of the zip file that a directory is sent as.
    static std::string zip_name(const std::string& name);
    /// The directory's name, where this is the name of a zip file.
    static std::optional<std::string> unzipped_name(const std::string& zip_name);

  private:
    [[nodiscard]] bool as_zip() const;
    [[nodiscard]] Status make_zip(const Manifest& manifest, Zip& zip);
    Status put_zip(const Zip& zip);
    Status deliver_tree(const std::string& name, const Manifest& manifest);
    Status put_and_prove(const Manifest& manifest, const std::string& prefix, Publish publish);

    SourceDirectory& source_;
    const config::OutgoingSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    std::string temp_dir_;
    const CancelToken& cancel_;
    ZipRoom room_;
    Prover prover_;
    unsigned trees_sent_ = 0;
};

}  // namespace mistamover::stream
