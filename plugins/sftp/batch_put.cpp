// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/batch_put.hpp"

#include <algorithm>
#include <memory>
#include <sys/stat.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "sftp/failure.hpp"

namespace mistamover::sftp {
namespace {

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

// Of a link in a directory that is there: some servers, and some file systems, have no links at all.
Status link_refusal(const Reply& reply) {
    const Status refusal = reply.failure("make a temporary link", StatusCode::no_space);
    if (reply.code == reply_code::permission_denied || reply.code == reply_code::unsupported) {
        return {StatusCode::unsupported, StatusScope::item, refusal.text(), refusal.protocol_code()};
    }
    return refusal.of_session();
}

}  // namespace

BatchPut::BatchPut(const PutTools& tools, const PutRequest& request, PutSink& sink)
    : tools_(tools),
      pipeline_(tools.server.pipeline()),
      request_(request),
      sink_(sink),
      source_root_(request.source_root),
      writer_(tools.server, tools.connections, tools.options, tools.context,
              [this](OutgoingFile& file) { on_written(static_cast<Item&>(file)); }),
      publish_refusal_(tools.server, tools.temp_names),
      name_sync_(tools.server, tools.temp_names),
      directories_(pipeline_, tools.options.target_dir) {}

BatchPut::~BatchPut() {
    if (!items_.empty()) {
        pipeline_.abandon();  // Its handlers are this object's.
        writer_.stop_sharing();
        keep_leftovers();
    }
}

void BatchPut::keep_leftovers() {
    for (const Item& item : items_) {
        if (!item.source_identity.empty() && !item.temp.empty() && item.failure.ok()) {
            tools_.leftovers.keep(item.target, {item.temp, item.source_identity, item.pieces.confirmed()});
        }
    }
}

Status BatchPut::run() {
    do {
        if (tools_.context.cancelled() && end_.ok()) {
            end_ = {StatusCode::cancelled, StatusScope::item, "cancelled"};
            writer_.give_up(end_);
        }
        start_items();
        writer_.feed();
        if (!items_.empty()) {
            pipeline_.pump();
        }
    } while (!items_.empty() || (end_.ok() && next_ < request_.items.size()));
    pipeline_.finish();
    return end_;
}

void BatchPut::start_items() {
    const std::size_t most = tools_.server.features().open_files;
    begin_ready();
    while (end_.ok() && items_.size() < most && next_ < request_.items.size() && pipeline_.has_room()) {
        start(next_++);
        begin_ready();
    }
}

void BatchPut::start(std::size_t index) {
    Item& item = items_.emplace_back();
    item.self = std::prev(items_.end());
    item.index = index;
    item.target = tools_.options.target_dir + '/';
    if (!request_.target_prefix.empty()) {
        (item.target += request_.target_prefix) += '/';
    }
    item.target += put_item(item).path;
    const bool is_directory = put_item(item).kind == EntryKind::directory;
    if (is_directory) {
        directories_.expect(item.target);
    }
    directories_.when_known(parent_directory(item.target),
                            [this, &item, is_directory](const Status& of_parent) {
                                ready_.push_back(&item);
                                if (of_parent.ok()) {
                                    return;
                                }
                                item.fail({of_parent.code(), of_parent.scope(),
                                           item.target + " is not sent: " + std::string(of_parent.text()),
                                           of_parent.protocol_code()});
                                if (is_directory) {
                                    directories_.settle(item.target, of_parent);
                                }
                            });
}

/// Not where it becomes known that they are ready: that may be amidst the answers, which a look at a leftover
/// would wait for.
void BatchPut::begin_ready() {
    while (!ready_.empty()) {
        Item& item = *ready_.front();
        ready_.pop_front();
        begin(item);
    }
}

void BatchPut::begin(Item& item) {
    if (!end_.ok()) {
        item.fail(end_);
    }
    if (!item.failure.ok()) {
        return report(item);
    }
    switch (put_item(item).kind) {
        case EntryKind::directory:
            return start_directory(item);
        case EntryKind::symlink:
            return start_link(item);
        case EntryKind::file:
            return start_file(item);
        case EntryKind::other:
            return give_up(item, {StatusCode::unsupported, StatusScope::item,
                                  "neither a file nor a directory nor a symbolic link: " + item.target});
    }
}

void BatchPut::start_directory(Item& item) {
    // The owner's bits are added because the directory is about to be filled.
    const Attributes wanted{{}, (put_item(item).mode & 01777U) | own_directory, {}};
    const auto refusal = std::make_shared<std::optional<Status>>();
    pipeline_.request(
        PacketType::mkdir, [&](PacketWriter& packet) { packet.text(item.target).attributes(wanted); },
        // Where this is answered last, the item has gone.
        [target = item.target, refusal](Reply& reply) {
            if (!reply.is_ok()) {
                *refusal = reply.failure("make directory " + target, StatusCode::no_space);
            }
        });
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(item.target); },
        [this, &item, refusal](Reply& reply) {
            if (reply.type == PacketType::attributes) {
                return finish_directory(item, *refusal, reply.body.attributes());
            }
            give_up(item, *refusal ? **refusal : reply.failure("look at directory " + item.target));
        });
}

void BatchPut::finish_directory(Item& item, const std::optional<Status>& refusal, const Attributes& found) {
    const std::uint32_t mode = found.mode.value_or(S_IFDIR);
    if (!S_ISDIR(mode)) {
        return give_up(item, {StatusCode::exists, StatusScope::item,
                              "make directory " + item.target + ": something else of that name is there"});
    }
    directories_.settle(item.target, {});
    // A set-group-id bit that it has inherited from the directory above is the operator's wish.
    const std::uint32_t wanted = (put_item(item).mode & 01777U) | own_directory | (mode & S_ISGID);
    if (refusal || (mode & 07777U) == wanted) {
        return finish(item);
    }
    pipeline_.request(
        PacketType::setstat,
        [&](PacketWriter& packet) {
            packet.text(item.target).attributes({{}, wanted, {}});
        },
        [this, &item](Reply& reply) {
            if (!reply.is_ok() && !writer_.can_do_without(reply)) {
                return give_up(item, reply.failure("set the mode of directory " + item.target));
            }
            finish(item);
        });
}

void BatchPut::start_link(Item& item) {
    std::string content;
    try {
        content = source_root_.read_link(put_item(item));
    } catch (const StatusError& error) {
        return give_up(item, error.status());
    }
    if (const auto leftover = tools_.leftovers.take(item.target)) {
        remove_at_server(leftover->temp_name);
    }
    if (!item.made_temp_directory) {
        make_temp_directory(item);
    }
    item.temp = tools_.temp_names.next();
    // OpenSSH has the two the other way round than the protocol, and others follow it.
    pipeline_.request(
        PacketType::symlink, [&](PacketWriter& packet) { packet.text(content).text(item.temp); },
        [this, &item](Reply& reply) {
            if (reply.is_ok()) {
                return publish(item);
            }
            item.temp.clear();
            give_up(item, temp_directory_.ok() ? link_refusal(reply) : temp_directory_);
        });
    if (tools_.server.features().lsetstat && tools_.server.features().keeps_times) {
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
            packet.text(tools_.temp_names.directory()).attributes({{}, own_directory, {}});
        },
        [this](Reply& reply) {
            // The general failure is a directory that is there already.
            temp_directory_ =
                reply.is_ok() || reply.code == reply_code::failure
                    ? Status{}
                    : reply.failure("make the directory of temporary files " + tools_.temp_names.directory())
                          .of_session();
        });
}

void BatchPut::start_file(Item& item) {
    try {
        item.source.emplace(source_root_, put_item(item));
    } catch (const StatusError& error) {
        return give_up(item, error.status());
    }
    item.size = put_item(item).size;
    item.attributes = attributes_of(put_item(item));
    item.may_be_shared = request_.publish == Publish::rename;
    if (!tools_.server.features().keeps_times) {
        item.attributes.mtime.reset();
    }
    if (request_.publish == Publish::direct) {
        item.temp = item.target;
        return open_file(item);
    }
    const bool resumable = resume_offset(item.size) > 0;
    if (resumable) {
        item.source_identity = item.source->identity();
    }
    if (!go_on(item)) {
        item.temp = resumable ? tools_.temp_names.next_resumable() : tools_.temp_names.next();
        open_file(item);
    }
}

/// True where an earlier connection has left the start of the file.
bool BatchPut::go_on(Item& item) {
    std::optional<Leftover> leftover = tools_.leftovers.take(item.target);
    if (!leftover) {
        return false;
    }
    if (const auto resumed = look_at_leftover(item, *leftover)) {
        tools_.context.log(LogLevel::info, "goes on with " + item.target + " after " +
                                               format_size(ByteCount{resumed->offset}));
        item.temp = leftover->temp_name;
        item.handle = resumed->handle;
        item.pieces.begin(resumed->offset, item.size);
        writer_.add(item);
        return true;
    }
    // A rename that an earlier connection has asked for, and that comes late, then finds nothing.
    remove_at_server(leftover->temp_name);
    return false;
}

/// A leftover is not lost where the connection breaks meanwhile, unless that happens again: some servers
/// break it over such a look. It is kept then as one of no source, which is only removed.
std::optional<Resumed> BatchPut::look_at_leftover(Item& item, Leftover leftover) {
    try {
        return resume(tools_.server, leftover, *item.source);
    } catch (const StatusError&) {
        if (std::exchange(leftover.broke_a_look, true)) {
            leftover.source_identity.clear();
        }
        tools_.leftovers.keep(item.target, std::move(leftover));
        throw;
    }
}

void BatchPut::remove_at_server(const std::string& path) {
    pipeline_.request(
        PacketType::remove, [&](PacketWriter& packet) { packet.text(path); }, [](Reply&) {});
}

void BatchPut::open_file(Item& item) {
    // Through a link nothing is ever made exclusively.
    const std::uint32_t flags = open_flag::write | open_flag::create |
                                (item.may_overwrite ? open_flag::truncate : open_flag::exclusive);
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
        item.pieces.begin(0, item.size);
        if (end_.ok()) {
            return writer_.add(item);
        }
        item.fail(end_);
        return writer_.end(item);
    }
    if (request_.publish == Publish::direct) {
        if (!item.may_overwrite) {
            return look_before_overwriting(item);
        }
        item.temp.clear();
        return give_up(item, reply.failure("write " + item.target));
    }
    if (reply.code == reply_code::no_such_file && !item.made_temp_directory) {
        make_temp_directory(item);
        return open_file(item);
    }
    item.temp.clear();
    // The directory of temporary files serves every item alike.
    give_up(
        item,
        temp_directory_.ok()
            ? reply.failure("make a temporary file in " + tools_.temp_names.directory(), StatusCode::no_space)
                  .of_session()
            : temp_directory_);
}

/// Opening it would follow a link, and whatever that leads to would be overwritten.
void BatchPut::look_before_overwriting(Item& item) {
    pipeline_.request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(item.target); },
        [this, &item](Reply& reply) {
            const auto mode =
                reply.type == PacketType::attributes ? reply.body.attributes().mode : std::nullopt;
            if (mode && !S_ISREG(*mode)) {
                item.fail({StatusCode::exists, StatusScope::item,
                           "write " + item.target + ": something that is no file has that name"});
            } else {
                item.fail(end_);
            }
            if (!item.failure.ok()) {
                item.temp.clear();
                return report(item);
            }
            item.may_overwrite = true;
            open_file(item);
        });
}

void BatchPut::on_written(Item& item) {
    if (!item.failure.ok()) {
        return report(item);
    }
    if (request_.publish == Publish::rename) {
        return publish(item);
    }
    finish(item);
}

void BatchPut::publish(Item& item) {
    pipeline_.request(
        PacketType::extended,
        [&](PacketWriter& packet) {
            packet.text("posix-rename@openssh.com").text(item.temp).text(item.target);
        },
        [this, &item](Reply& reply) {
            if (reply.is_ok()) {
                return finish(item);
            }
            publish_refusal_.ask({item.temp, item.target, reply.failure("publish " + item.target),
                                  [this, &item](const Status& failure, bool temp_has_gone) {
                                      if (temp_has_gone) {
                                          item.temp.clear();
                                      }
                                      give_up(item, failure);
                                  }});
        });
}

/// It has its final name. The names below a target_prefix are settled when that is renamed.
void BatchPut::finish(Item& item) {
    item.temp.clear();
    if (!tools_.options.fsync || !request_.target_prefix.empty()) {
        return report(item);
    }
    name_sync_.ask(parent_directory(item.target),
                   [this, &item](const Status& synced) { give_up(item, synced); });
}

void BatchPut::give_up(Item& item, const Status& status) {
    item.fail(status);
    report(item);
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
    if (put_item(item).kind == EntryKind::directory) {
        directories_.settle(item.target, item.failure);
    }
    sink_.done(item.index, item.failure, item.report);
    items_.erase(item.self);
}

}  // namespace mistamover::sftp
