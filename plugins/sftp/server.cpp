// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/server.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace mistamover::sftp {
namespace {

/// In seconds since 1970. Odd, for some file systems keep only even ones.
constexpr std::uint32_t trial_time = 1'000'000'001;

}  // namespace

void ServerFeatures::learn(std::string_view extension, std::string_view data) {
    if (extension == "posix-rename@openssh.com") {
        posix_rename = data == "1";
    } else if (extension == "fsync@openssh.com") {
        fsync = data == "1";
    } else if (extension == "statvfs@openssh.com") {
        statvfs = data == "2";
    } else if (extension == "limits@openssh.com") {
        limits = data == "1";
    } else if (extension == "lsetstat@openssh.com") {
        lsetstat = data == "1";
    } else if (extension == "check-file" || extension == "check-file-name") {
        check_file = true;
    }
}

void Server::start() {
    pipeline_.start([this](std::string_view name, std::string_view data) { features_.learn(name, data); });
    if (features_.limits) {
        ask_for_limits();
    }
    if (!features_.check_file) {
        try_check_file();
    }
    pipeline_.finish();
}

void Server::ask_for_limits() {
    pipeline_.request(
        PacketType::extended, [](PacketWriter& packet) { packet.text("limits@openssh.com"); },
        [this](Reply& reply) {
            if (reply.type != PacketType::extended_reply) {
                return;
            }
            constexpr std::size_t most_files = 256;
            constexpr std::size_t longest_write = 261120;  // 256 KiB with room for the packet around it
            (void)reply.body.long_number();                // the longest packet
            (void)reply.body.long_number();                // the longest read
            const std::uint64_t write = reply.body.long_number();
            const std::uint64_t files = reply.body.long_number();
            // 0 stands for no limit, or none that the server knows.
            features_.write_size = write == 0 ? features_.write_size : std::min(write, longest_write);
            features_.open_files = files == 0 ? features_.open_files : std::min(files, most_files);
        });
}

/// ProFTPD has it and tells only clients of later versions: one that has it looks for the file.
void Server::try_check_file() {
    pipeline_.request(
        PacketType::extended,
        [](PacketWriter& packet) {
            packet.text("check-file-name").text(".mistamover-no-such-file").text("md5");
            packet.long_number(0).long_number(0).number(0);
        },
        [this](Reply& reply) {
            features_.check_file = reply.type == PacketType::status && reply.code == reply_code::no_such_file;
            features_.is_proftpd = features_.check_file;
        });
}

void Server::try_attributes(TempNames& temp_names) {
    use_trial_file(temp_names, [this](const std::string& handle, const std::string& path) {
        try_attributes_of(handle, path);
    });
    learn_clock(temp_names);
}

void Server::learn_clock(TempNames& temp_names) {
    const auto begin = ServerClock::Moment::now();
    if (features_.sets_times() || !clock_.is_due(begin)) {
        return;
    }
    std::optional<std::uint32_t> told;
    use_trial_file(temp_names, [this, &told](const std::string& handle, const std::string& path) {
        // Some servers give a file its time, or have it at all, once it is closed.
        ask(
            PacketType::close, [&](PacketWriter& packet) { packet.text(handle); }, [](Reply&) {});
        ask(
            PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
            [&told](Reply& reply) {
                if (reply.type == PacketType::attributes) {
                    told = reply.body.attributes().mtime;
                }
            });
    });
    clock_.note(begin, ServerClock::Moment::now(), told);
}

/// Makes an empty file, which `use` closes, and removes it.
void Server::use_trial_file(TempNames& temp_names, const UseFile& use) {
    const std::string path = temp_names.next();
    std::string handle;
    bool made_directory = false;
    pipeline_.request(
        PacketType::mkdir,
        [&](PacketWriter& packet) {
            packet.text(temp_names.directory()).attributes({{}, 0700, {}});
        },
        [&](Reply& reply) { made_directory = reply.is_ok(); });
    ask(
        PacketType::open,
        [&](PacketWriter& packet) {
            packet.text(path)
                .number(open_flag::write | open_flag::create | open_flag::exclusive)
                .attributes({{}, 0600, {}});
        },
        [&](Reply& reply) {
            if (reply.type == PacketType::handle) {
                handle = reply.body.text();
            }
        });
    // Why no file can be made is told when one is to be sent.
    if (!handle.empty()) {
        use(handle, path);
        pipeline_.request(
            PacketType::remove, [&](PacketWriter& packet) { packet.text(path); }, [](Reply&) {});
    }
    if (made_directory) {
        pipeline_.request(
            PacketType::rmdir, [&](PacketWriter& packet) { packet.text(temp_names.directory()); },
            [](Reply&) {});
    }
    pipeline_.finish();
}

void Server::try_attributes_of(const std::string& handle, const std::string& path) {
    pipeline_.request(
        PacketType::fsetstat,
        [&](PacketWriter& packet) {
            packet.text(handle).attributes({{}, 0600, trial_time});
        },
        [this](Reply& reply) {
            if (reply.is_refusal()) {
                keeps_no_attributes(reply);
            }
        });
    pipeline_.request(
        PacketType::close, [&](PacketWriter& packet) { packet.text(handle); }, [](Reply&) {});
    // Closed, and by its name, as a listing will tell it.
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
        [this](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                compare_trial_time(reply.body.attributes().mtime);
            }
        });
}

void Server::compare_trial_time(std::optional<std::uint32_t> found) {
    if (!features_.keeps_attributes || !found || *found == trial_time) {
        return;
    }
    features_.keeps_times = false;
    context_.log(LogLevel::warning, "the server does not keep the times that files are given (" +
                                        std::to_string(trial_time) + " became " + std::to_string(*found) +
                                        "): what arrives has the time of its arrival");
}

void Server::keeps_no_attributes(const Reply& refusal) {
    if (std::exchange(features_.keeps_attributes, false)) {
        context_.log(
            LogLevel::warning,
            "the server keeps neither modes nor times: what arrives has those that the server gives it (" +
                std::string(refusal.failure("set mode and time").text()) + ')');
    }
}

EntryInfo Server::told_info(const Attributes& attributes) const {
    EntryInfo info = info_of(attributes);
    if (info.mtime_precision_ns != 0 && !features_.sets_times()) {
        info.mtime_ns = clock_.time_of(ServerClock::Time{info.mtime_ns}).count();
    }
    return info;
}

Status Server::look_at(const std::string& path, EntryInfo& info, bool follow) {
    Status status;
    ask(
        follow ? PacketType::stat : PacketType::lstat, [&](PacketWriter& packet) { packet.text(path); },
        [&](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                info = info_of(reply.body.attributes());
            } else {
                status = reply.failure("look at " + path);
            }
        });
    return status;
}

}  // namespace mistamover::sftp
