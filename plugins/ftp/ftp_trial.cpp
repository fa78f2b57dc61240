// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_trial.hpp"

#include <mistamover/transfer_module.hpp>

#include "ftp/ftp_failure.hpp"
#include "ftp/ftp_listing.hpp"
#include "ftp/ftp_path.hpp"

namespace mistamover::ftp {

const char* size_command(const ModuleState& shared) {
    return shared.sizes_by_mlst ? "MLST" : "SIZE";
}

std::optional<std::uint64_t> told_size(const Reply& reply) {
    if (const auto size = size_of(reply)) {
        return size;
    }
    const auto entry = read_mlst(reply);
    return entry ? std::optional(entry->info.size) : std::nullopt;
}

Reply store(Tools tools, const std::string& command, std::string_view content) {
    OpenedData data = tools.data.open(command, false);
    if (!data.wire) {
        return data.refusal;
    }
    if (!content.empty()) {
        data.wire->write(content);
    }
    data.wire->finish_writing();
    return tools.data.end_of_transfer();
}

Reply store_at(Tools tools, std::string_view path, std::string_view content) {
    return store(tools, tools.control.with_path("STOR", path), content);
}

void remove_trial(Tools tools, std::string_view path) {
    (void)tools.control.call(tools.control.with_path("DELE", path));
}

void make_temp_dir(Tools tools) {
    if (tools.shared.has_temp_dir) {
        (void)tools.control.call(tools.control.with_path("MKD", tools.options.temp_dir));
    }
}

bool is_for_good(const Status& refusal) {
    return refusal.scope() == StatusScope::item && refusal.protocol_code() / 100 == 5;
}

Status store_failure(const Reply& stored) {
    return session_failure(stored, During::transfer, "make a temporary file");
}

bool refuses_for_good(const Reply& stored) {
    return is_for_good(reply_failure(stored, During::transfer, ""));
}

std::string path_beside(Tools tools) {
    return tools.options.temp_dir + ".probe";
}

bool has_size(Tools tools, const std::string& path) {
    const Reply reply = tools.control.call(tools.control.with_path(size_command(tools.shared), path));
    return told_size(reply).has_value();
}

bool can_store_beside(Tools tools) {
    const std::string path = path_beside(tools);
    const bool stored = store_at(tools, path).completed() || has_size(tools, path);
    remove_trial(tools, path);
    return stored;
}

bool can_store(Tools tools) {
    if (!tools.shared.has_temp_dir) {
        return can_store_beside(tools);
    }
    const std::string path = tools.shared.temp_names.next(tools.options);
    const bool stored = store_at(tools, path).completed();
    remove_trial(tools, path);
    return stored;
}

}  // namespace mistamover::ftp
