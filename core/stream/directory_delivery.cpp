// SPDX-License-Identifier: BSD-3-Clause
#include "stream/directory_delivery.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/source_file.hpp>
#include <mistamover/transfer_module.hpp>

#include "files/handshake_name.hpp"
#include "stream/session_context.hpp"
#include "stream/target_tree.hpp"

namespace mistamover::stream {
namespace {

std::vector<const ManifestEntry*> pointers_to(const Manifest& manifest) {
    std::vector<const ManifestEntry*> pointers;
    pointers.reserve(manifest.entries.size());
    for (const ManifestEntry& entry : manifest.entries) {
        pointers.push_back(&entry);
    }
    return pointers;
}

}  // namespace

DirectoryDelivery::DirectoryDelivery(SourceDirectory& source, const config::OutgoingSettings& settings,
                                     border::Session& session, std::string temp_dir,
                                     const CancelToken& cancel, ZipRoom room)
    : source_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      temp_dir_(std::move(temp_dir)),
      cancel_(cancel),
      room_(std::move(room)),
      prover_(session, settings, source.fd(), cancel) {}

bool DirectoryDelivery::as_zip() const {
    if (settings_.target_uses_arrival_monitor) {
        return true;
    }
    if (settings_.directories != config::DirectoryForm::automatic) {
        return settings_.directories == config::DirectoryForm::zip;
    }
    const bool can_make_tree =
        capabilities_.has(Capability::make_directory) &&
        (capabilities_.has(Capability::rename) || settings_.publish == Publish::direct);
    return !can_make_tree;
}

Status DirectoryDelivery::refusal(const std::string& name, const Manifest& manifest) const {
    if (settings_.dir_size_limit && manifest.bytes > settings_.dir_size_limit->bytes) {
        return {StatusCode::unsupported, StatusScope::item,
                name + " is over dir_size_limit: " + format_size(ByteCount{manifest.bytes})};
    }
    if (as_zip() && source_.find(zip_name(name))) {
        return {StatusCode::exists, StatusScope::item,
                name + " cannot be sent as " + zip_name(name) + " while there is another unit of that name"};
    }
    return {};
}

bool DirectoryDelivery::would_replace(const std::string& name) const {
    const std::optional<std::string> directory = unzipped_name(name);
    if (!directory || !as_zip()) {
        return false;
    }
    const auto found = source_.is_unit(*directory) ? source_.find(*directory) : std::nullopt;
    return found && found->identity.kind == EntryKind::directory;
}

DirectoryDelivery::End DirectoryDelivery::deliver(const std::string& name, const Manifest& manifest) {
    if (!as_zip()) {
        return {deliver_tree(name, manifest)};
    }
    return with_zip(name, manifest, [this](const Zip& zip) { return put_zip(zip); });
}

std::vector<std::string> DirectoryDelivery::target_paths(const std::string& name,
                                                         const Manifest& manifest) const {
    std::vector<std::string> paths;
    if (as_zip()) {
        paths.push_back(zip_name(name));
    } else {
        std::transform(manifest.entries.begin(), manifest.entries.end(), std::back_inserter(paths),
                       [](const ManifestEntry& entry) { return entry.path; });
    }
    return paths;
}

std::string DirectoryDelivery::zip_name(const std::string& name) {
    return name + std::string(files::zip_ending);
}

std::optional<std::string> DirectoryDelivery::unzipped_name(const std::string& zip_name) {
    const bool is_one = zip_name.size() > files::zip_ending.size() && zip_name.ends_with(files::zip_ending);
    return is_one ? std::optional(zip_name.substr(0, zip_name.size() - files::zip_ending.size()))
                  : std::nullopt;
}

DirectoryDelivery::End DirectoryDelivery::with_zip(const std::string& name, const Manifest& manifest,
                                                   const std::function<Status(const Zip&)>& use) {
    Zip zip;
    zip.file.path = zip_name(name);
    if (const Status failure = make_zip(manifest, zip); !failure.ok()) {
        const bool no_room = failure.code() == StatusCode::no_space;
        return {no_room ? Status(failure.code(), StatusScope::item, failure.text()) : failure, no_room};
    }
    const process::UniqueFd fd(::open(zip.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    zip.directory_fd = fd.get();
    End end;
    try {
        end.status = use(zip);
    } catch (const StatusError& error) {
        end.status = error.status();
    } catch (const std::system_error& error) {
        end.status = status_from_errno(error.code().value(), error.what());
    }
    source_.remove_zip(zip.file.path);
    return end;
}

// A zip file that is not whole does not stay.
Status DirectoryDelivery::make_zip(const Manifest& manifest, Zip& zip) {
    try {
        zip.directory = source_.make_zip_directory();
        zip.file.identity = write_zip(
            source_.fd(), manifest, zip.directory / zip.file.path, [this] { return cancel_.cancelled(); },
            room_);
        return {};
    } catch (const StatusError& error) {
        return error.status();
    } catch (const std::system_error& error) {
        return status_from_errno(error.code().value(), error.what());
    }
}

Status DirectoryDelivery::put_zip(const Zip& zip) {
    const PutItem item = put_item(zip.file);
    PutRequest request;
    request.source_root = zip.directory.native();
    request.items = {&item, 1};
    request.publish = settings_.publish;
    PutCollector collector(1);
    const Status overall = session_.call_put(request, collector);
    if (const Status status = collector.status_of(0, overall); !status.ok()) {
        return status;
    }
    const ManifestEntry* entry = &zip.file;
    return Prover(session_, settings_, zip.directory_fd, cancel_)
        .prove_all({&entry, 1}, "", settings_.verify);
}

Status DirectoryDelivery::deliver_tree(const std::string& name, const Manifest& manifest) {
    StatCollector there(1);
    const std::string_view view = name;
    if (const Status status = session_.call_stat({&view, 1}, there); !status.ok()) {
        return status;
    }
    const bool exists = there[0].status && there[0].status->ok();
    if (exists || settings_.publish == Publish::direct) {
        // A directory of that name is added to, file by file.
        return put_and_prove(manifest, "", settings_.publish);
    }
    const std::string temporary =
        temp_dir_ + "/tree" + std::to_string(::syscall(SYS_gettid)) + '-' + std::to_string(++trees_sent_);
    for (const std::string& directory : {temp_dir_, temporary}) {
        const Status status = session_.call_make_directory(directory);
        if (!status.ok() && status.code() != StatusCode::exists) {
            return status.of_session();  // They are our own names, whatever the unit is.
        }
    }
    Status status = put_and_prove(manifest, temporary, Publish::direct);
    if (status.ok()) {
        status = session_.call_rename(temporary + '/' + name, name);
    }
    if (status.ok()) {
        // The bytes were proved where they were; this shows that they lie under their final names.
        status = prover_.prove_all(pointers_to(manifest), "", config::Verify::size);
    }
    (void)remove_tree(session_, temporary);
    return status;
}

Status DirectoryDelivery::put_and_prove(const Manifest& manifest, const std::string& prefix,
                                        Publish publish) {
    std::vector<PutItem> items;
    items.reserve(manifest.entries.size());
    for (const ManifestEntry& entry : manifest.entries) {
        if (entry.identity.kind == EntryKind::other) {
            return {StatusCode::unsupported, StatusScope::item,
                    entry.path + " is neither a file, a directory nor a link"};
        }
        items.push_back(put_item(entry));
    }
    PutRequest request;
    request.source_root = source_.path().native();
    request.target_prefix = prefix;
    request.items = items;
    request.publish = publish;
    PutCollector collector(items.size());
    const Status overall = session_.call_put(request, collector);
    if (overall.beyond_item()) {
        return overall;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (const Status status = collector.status_of(i, overall); !status.ok()) {
            return status;
        }
    }
    const Status proof = prover_.prove_all(pointers_to(manifest), prefix, settings_.verify);
    // What came, went or changed after its turn no put has noticed. It is seen before the whole is published.
    const std::string& name = manifest.entries.front().path;
    return !proof.ok() || is_unchanged(source_.fd(), name, manifest) ? proof : source_changed(name);
}

}  // namespace mistamover::stream
