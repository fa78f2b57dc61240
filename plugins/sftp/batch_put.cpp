// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/batch_put.hpp"

#include <algorithm>
#include <memory>
#include <random>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "sftp/failure.hpp"

namespace mistamover::sftp {
namespace {

// Enough for a fast network with a long way; more would only wait in ssh and in the kernel.
constexpr std::size_t most_unconfirmed = 4UL * 1024 * 1024;
constexpr std::size_t most_unsent = 512UL * 1024;
constexpr std::size_t largest_piece = 128UL * 1024;
constexpr std::uint32_t own_file = 0600;
constexpr std::uint32_t own_directory = 0700;

// Modification times are 32 unsigned bits of seconds here.
std::uint32_t seconds_of(std::int64_t nanoseconds) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(nanoseconds / 1'000'000'000, 0, UINT32_MAX));
}

// Without the bits that would lend this login's identity.
Attributes attributes_of(const PutItem& item) {
    return {{}, item.mode & 01777U, seconds_of(item.mtime_ns)};
}

}  // namespace

TempNames::TempNames(std::string directory) : directory_(std::move(directory)) {
    std::random_device random;
    prefix_ = directory_ + '/' + std::to_string(std::uint64_t{random()} << 32U | random()) + '.';
}

std::string TempNames::next() {
    return prefix_ + std::to_string(count_++);
}

BatchPut::BatchPut(Server& server, TempNames& temp_names, const SftpOptions& options,
                   border::SessionContext& context, const PutRequest& request, PutSink& sink)
    : server_(server),
      pipeline_(server.pipeline()),
      temp_names_(temp_names),
      options_(options),
      context_(context),
      request_(request),
      sink_(sink),
      source_root_(request.source_root) {}

BatchPut::~BatchPut() {
    if (!items_.empty()) {
        pipeline_.abandon();  // Its handlers are this object's.
    }
}

Status BatchPut::run() {
    do {
        if (context_.cancelled() && end_.ok()) {
            cancel();
        }
        start_items();
        feed();
        if (!items_.empty()) {
            pipeline_.pump();
        }
    } while (!items_.empty() || (end_.ok() && next_ < request_.items.size()));
    pipeline_.finish();
    return end_;
}

void BatchPut::cancel() {
    end_ = {StatusCode::cancelled, StatusScope::item, "cancelled"};
    for (Item* item : std::exchange(writing_, {})) {
        fail(*item, end_);
        end_writing(*item);
    }
}

void BatchPut::start_items() {
    const std::size_t most = server_.features().open_files;
    while (end_.ok() && items_.size() < most && next_ < request_.items.size() &&
           pipeline_.unsent() < most_unsent) {
        start(next_++);
    }
}

void BatchPut::start(std::size_t index) {
    Item& item = items_.emplace_back();
    item.self = std::prev(items_.end());
    item.index = index;
    item.target = options_.target_dir + '/';
    if (!request_.target_prefix.empty()) {
        (item.target += request_.target_prefix) += '/';
    }
    item.target += put_item(item).path;
    try {
        switch (put_item(item).kind) {
            case EntryKind::directory:
                return start_directory(item);
            case EntryKind::symlink:
                return start_link(item);
            case EntryKind::file:
                item.source.emplace(source_root_, put_item(item));
                return start_file(item);
            case EntryKind::other:
                break;
        }
        fail(item, {StatusCode::unsupported, StatusScope::item,
                    "neither a file nor a directory nor a symbolic link: " + item.target});
    } catch (const StatusError& error) {
        fail(item, error.status());
    }
    report(item);
}

void BatchPut::start_directory(Item& item) {
    // The owner's bits are added because the directory is about to be filled.
    const Attributes wanted{{}, (put_item(item).mode & 01777U) | own_directory, {}};
    const auto refusal = std::make_shared<std::optional<Status>>();
    pipeline_.request(
        PacketType::mkdir, [&](PacketWriter& packet) { packet.text(item.target).attributes(wanted); },
        [&item, refusal](Reply& reply) {
            if (!reply.is_ok()) {
                *refusal = reply.failure("make directory " + item.target);
            }
        });
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(item.target); },
        [this, &item, refusal](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                return finish_directory(item, *refusal, reply.body.attributes());
            }
            fail(item, *refusal ? **refusal : reply.failure("look at directory " + item.target));
            report(item);
        });
}

void BatchPut::finish_directory(Item& item, const std::optional<Status>& refusal, const Attributes& found) {
    const std::uint32_t mode = found.mode.value_or(S_IFDIR);
    if (!S_ISDIR(mode)) {
        fail(item, {StatusCode::exists, StatusScope::item,
                    "make directory " + item.target + ": something else of that name is there"});
        return report(item);
    }
    // A set-group-id bit that it has inherited from the directory above is the operator's wish.
    const std::uint32_t wanted = (put_item(item).mode & 01777U) | own_directory | (mode & S_ISGID);
    if (refusal || (mode & 07777U) == wanted) {
        return report(item);
    }
    pipeline_.request(
        PacketType::setstat,
        [&](PacketWriter& packet) {
            packet.text(item.target).attributes({{}, wanted, {}});
        },
        [this, &item](Reply& reply) {
            if (!reply.is_ok()) {
                fail(item, reply.failure("set the mode of directory " + item.target));
            }
            report(item);
        });
}

void BatchPut::start_link(Item& item) {
    const std::string content = source_root_.read_link(put_item(item));
    if (!item.made_temp_directory) {
        make_temp_directory(item);
    }
    item.temp = temp_names_.next();
    // OpenSSH has the two the other way round than the protocol, and others follow it.
    pipeline_.request(
        PacketType::symlink, [&](PacketWriter& packet) { packet.text(content).text(item.temp); },
        [this, &item](Reply& reply) {
            if (reply.is_ok()) {
                return publish(item);
            }
            item.temp.clear();
            fail(item, temp_directory_.ok()
                           ? of_session(reply.failure("make a temporary link", StatusCode::no_space))
                           : temp_directory_);
            report(item);
        });
    if (server_.features().lsetstat) {
        pipeline_.request(
            PacketType::extended,
            [&](PacketWriter& packet) {
                packet.text("lsetstat@openssh.com")
                    .text(item.temp)
                    .attributes({{}, {}, seconds_of(put_item(item).mtime_ns)});
            },
            [](Reply&) {});
    }
}

/// The answer only matters where a temporary file cannot be made afterwards.
void BatchPut::make_temp_directory(Item& item) {
    item.made_temp_directory = true;
    pipeline_.request(
        PacketType::mkdir,
        [&](PacketWriter& packet) {
            packet.text(temp_names_.directory()).attributes({{}, own_directory, {}});
        },
        [this](Reply& reply) {
            // The general failure is a directory that is there already.
            temp_directory_ = reply.is_ok() || reply.code == reply_code::failure
                                  ? Status{}
                                  : of_session(reply.failure("make the directory of temporary files " +
                                                             temp_names_.directory()));
        });
}

void BatchPut::start_file(Item& item) {
    const bool direct = request_.publish == Publish::direct;
    item.temp = direct ? item.target : temp_names_.next();
    const std::uint32_t flags =
        open_flag::write | open_flag::create | (direct ? open_flag::truncate : open_flag::exclusive);
    pipeline_.request(
        PacketType::open,
        [&](PacketWriter& packet) {
            packet.text(item.temp).number(flags).attributes({{}, own_file, {}});
        },
        [this, &item](Reply& reply) { on_opened(item, reply); });
}

void BatchPut::on_opened(Item& item, Reply& reply) {
    if (reply.type == PacketType::handle) {
        item.handle = reply.body.text();
        if (end_.ok()) {
            writing_.push_back(&item);
        } else {
            fail(item, end_);
            end_writing(item);
        }
        return;
    }
    item.temp.clear();
    if (request_.publish == Publish::direct) {
        fail(item, reply.failure("write " + item.target));
        return report(item);
    }
    if (reply.code == reply_code::no_such_file && !item.made_temp_directory) {
        make_temp_directory(item);
        return start_file(item);
    }
    // The directory of temporary files serves every item alike.
    fail(item, temp_directory_.ok()
                   ? of_session(reply.failure("make a temporary file in " + temp_names_.directory(),
                                              StatusCode::no_space))
                   : temp_directory_);
    report(item);
}

void BatchPut::feed() {
    while (!writing_.empty() && unconfirmed_ < most_unconfirmed && pipeline_.unsent() < most_unsent) {
        Item& item = *writing_.front();
        if (item.failure.ok() && item.offset < put_item(item).size) {
            write_piece(item);
            continue;
        }
        writing_.pop_front();
        seal(item);
    }
}

void BatchPut::write_piece(Item& item) {
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(
        put_item(item).size - item.offset, std::min(server_.features().write_size, largest_piece)));
    if (options_.limited_bandwidth) {
        context_.acquire(size);
        pipeline_.restart_patience();
    }
    ++item.due;
    unconfirmed_ += size;
    pipeline_.request(
        PacketType::write,
        [&](PacketWriter& packet) {
            packet.text(item.handle).long_number(item.offset);
            const Status status = item.source->read(item.offset, packet.blank_text(size), size);
            if (!status.ok()) {
                fail(item, status);
            }
        },
        [this, &item, size](Reply& reply) {
            unconfirmed_ -= size;
            if (reply.is_ok()) {
                item.report.bytes_sent += size;
                context_.progress(size);
            }
            settle(item, reply, "write", StatusCode::no_space);
        });
    item.offset += size;
}

/// Everything has been asked to be written: gives the copy what the source has beside its contents.
void BatchPut::seal(Item& item) {
    if (item.failure.ok()) {
        if (const Status status = item.source->check_unchanged(); !status.ok()) {
            fail(item, status);
        }
    }
    if (item.failure.ok()) {
        ++item.due;
        pipeline_.request(
            PacketType::fsetstat,
            [&](PacketWriter& packet) { packet.text(item.handle).attributes(attributes_of(put_item(item))); },
            [this, &item](Reply& reply) {
                settle(item, reply, "set mode and time of", StatusCode::permission);
            });
    }
    if (item.failure.ok() && options_.fsync) {
        ++item.due;
        pipeline_.request(
            PacketType::extended,
            [&](PacketWriter& packet) { packet.text("fsync@openssh.com").text(item.handle); },
            [this, &item](Reply& reply) { settle(item, reply, "bring to the disk", StatusCode::no_space); });
    }
    end_writing(item);
}

void BatchPut::end_writing(Item& item) {
    ++item.due;
    pipeline_.request(
        PacketType::close, [&](PacketWriter& packet) { packet.text(item.handle); },
        [this, &item](Reply& reply) { settle(item, reply, "close", StatusCode::no_space); });
    item.handle.clear();
}

/// One answer of those that are due; after the last the item is published, or given up.
void BatchPut::settle(Item& item, const Reply& reply, const char* doing, StatusCode unspecific) {
    if (!reply.is_ok()) {
        fail(item, reply.failure(std::string(doing) + ' ' + item.target, unspecific));
    }
    if (--item.due != 0 || !item.handle.empty()) {
        return;
    }
    item.source.reset();
    if (item.failure.ok() && request_.publish == Publish::rename) {
        return publish(item);
    }
    report(item);
}

void BatchPut::publish(Item& item) {
    pipeline_.request(
        PacketType::extended,
        [&](PacketWriter& packet) {
            packet.text("posix-rename@openssh.com").text(item.temp).text(item.target);
        },
        [this, &item](Reply& reply) {
            if (reply.is_ok()) {
                item.temp.clear();
                return report(item);
            }
            finish_refused(item, reply.failure("publish " + item.target));
        });
}

/// A directory in the way is a general failure like many others, so it is looked for.
void BatchPut::finish_refused(Item& item, const Status& refusal) {
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(item.target); },
        [this, &item, refusal](Reply& reply) {
            const bool in_the_way = reply.type == PacketType::attributes &&
                                    info_of(reply.body.attributes()).kind == EntryKind::directory;
            fail(item, in_the_way ? Status(StatusCode::exists, StatusScope::item,
                                           "publish " + item.target + ": a directory of that name is there")
                                  : refusal);
            report(item);
        });
}

/// The first failure counts.
void BatchPut::fail(Item& item, const Status& status) {
    if (item.failure.ok()) {
        item.failure = status;
    }
}

/// Reports the item, once what it has left behind is removed, and forgets it.
void BatchPut::report(Item& item) {
    if (!item.failure.ok() && !item.temp.empty()) {
        const std::string temp = std::exchange(item.temp, {});
        pipeline_.request(
            PacketType::remove, [&](PacketWriter& packet) { packet.text(temp); },
            [this, &item](Reply&) { report(item); });
        return;
    }
    if (end_.ok() && item.failure.scope() != StatusScope::item) {
        end_ = item.failure;
    }
    sink_.done(item.index, item.failure, item.report);
    items_.erase(item.self);
}

}  // namespace mistamover::sftp
