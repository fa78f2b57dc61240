// SPDX-License-Identifier: BSD-3-Clause
#include "stream/directory_delivery.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mistamover/transfer_module.hpp>

#include "stream/target_tree.hpp"
#include "stream/zip_archive.hpp"

namespace mistamover::stream {
namespace {

const std::string zip_suffix = ".zip";

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
                                     border::Session& session, std::string temp_dir)
    : source_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      temp_dir_(std::move(temp_dir)),
      prover_(session, settings, source.fd()) {}

bool DirectoryDelivery::as_zip() const {
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
    if (as_zip() && source_.find(name + zip_suffix)) {
        return {
            StatusCode::exists, StatusScope::item,
            name + " cannot be sent as " + name + zip_suffix + " while there is another unit of that name"};
    }
    return {};
}

bool DirectoryDelivery::would_replace(const std::string& name) const {
    if (!name.ends_with(zip_suffix) || !as_zip()) {
        return false;
    }
    const std::string directory = name.substr(0, name.size() - zip_suffix.size());
    const auto found = source_.is_unit(directory) ? source_.find(directory) : std::nullopt;
    return found && found->identity.kind == EntryKind::directory;
}

Status DirectoryDelivery::deliver(const std::string& name, const Manifest& manifest) {
    return as_zip() ? deliver_zip(name, manifest) : deliver_tree(name, manifest);
}

Status DirectoryDelivery::deliver_zip(const std::string& name, const Manifest& manifest) {
    const std::string zip_name = name + zip_suffix;
    const std::filesystem::path directory = source_.make_zip_directory();
    Manifest zip;
    try {
        zip.entries.push_back({zip_name, write_zip(source_.fd(), manifest, directory / zip_name)});
    } catch (const StatusError& error) {
        return error.status();
    }
    const Status status = put_zip(directory, zip.entries.front());
    source_.remove_zip(zip_name);
    return status;
}

Status DirectoryDelivery::put_zip(const std::filesystem::path& directory, const ManifestEntry& zip) {
    const process::UniqueFd directory_fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const PutItem item = put_item(zip);
    PutRequest request;
    request.source_root = directory.native();
    request.items = {&item, 1};
    request.publish = settings_.publish;
    PutCollector collector(1);
    const Status overall = session_.call_put(request, collector);
    if (const Status status = collector.status_of(0, overall); !status.ok()) {
        return status;
    }
    const ManifestEntry* entry = &zip;
    return Prover(session_, settings_, directory_fd.get()).prove_all({&entry, 1}, "", settings_.verify);
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
            return status;
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
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (const Status status = collector.status_of(i, overall); !status.ok()) {
            return status;
        }
    }
    return prover_.prove_all(pointers_to(manifest), prefix, settings_.verify);
}

}  // namespace mistamover::stream
