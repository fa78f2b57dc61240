// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/publish_refusal.hpp"

#include <utility>

#include "sftp/failure.hpp"

namespace mistamover::sftp {
namespace {

constexpr std::uint32_t trial_directory = 0700;

bool may_be_the_directory(const Status& refusal) {
    return refusal.protocol_code() == reply_code::permission_denied ||
           refusal.protocol_code() == reply_code::failure;
}

}  // namespace

void PublishRefusal::ask(Case refused) {
    const auto shared = std::make_shared<const Case>(std::move(refused));
    const bool is_missing = shared->refusal.protocol_code() == reply_code::no_such_file;
    if (is_missing && server_.features().is_proftpd) {
        return look_for_temp(shared);
    }
    look_at_target(shared);
}

/// ProFTPD takes more than a quota allows, and removes it when it is closed.
void PublishRefusal::look_for_temp(const CaseRef& refused) {
    server_.pipeline().request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(refused->temp); },
        [this, refused](Reply& reply) {
            if (reply.code != reply_code::no_such_file) {
                return look_at_target(refused);
            }
            refused->tell({StatusCode::no_space, StatusScope::session,
                           "publish " + refused->target +
                               ": what was stored is not there any more, as where a quota is used up"},
                          true);
        });
}

/// A directory in the way is a general failure like many others, so it is looked for.
void PublishRefusal::look_at_target(const CaseRef& refused) {
    server_.pipeline().request(
        PacketType::lstat, [&](PacketWriter& packet) { packet.text(refused->target); },
        [this, refused](Reply& reply) {
            const bool in_the_way = reply.type == PacketType::attributes &&
                                    info_of(reply.body.attributes()).kind == EntryKind::directory;
            if (in_the_way) {
                return refused->tell({StatusCode::exists, StatusScope::item,
                                      "publish " + refused->target + ": a directory of that name is there"},
                                     false);
            }
            blame_item_or_directory(refused);
        });
}

/// Where the directory takes nothing new, every other item would fail too.
void PublishRefusal::blame_item_or_directory(const CaseRef& refused) {
    const std::string directory = refused->target.substr(0, refused->target.rfind('/'));
    if (!may_be_the_directory(refused->refusal) || directory == usable_directory_) {
        return refused->tell(refused->refusal, false);
    }
    const std::string trial = temp_names_.next_in(directory);
    server_.pipeline().request(
        PacketType::mkdir,
        [&](PacketWriter& packet) {
            packet.text(trial).attributes({{}, trial_directory, {}});
        },
        [this, refused, directory](Reply& reply) {
            if (reply.is_ok()) {
                usable_directory_ = directory;
                return refused->tell(refused->refusal, false);
            }
            const Status of_trial =
                reply.failure("publish " + refused->target + ", or put anything new into its directory",
                              StatusCode::no_space);
            const bool reaches_all = of_trial.scope() != StatusScope::item || may_be_the_directory(of_trial);
            refused->tell(reaches_all ? of_trial.of_session() : refused->refusal, false);
        });
    // With no answer in between: should the connection break, nobody would come back for the directory.
    server_.pipeline().request(
        PacketType::rmdir, [&](PacketWriter& packet) { packet.text(trial); }, [](Reply&) {});
}

}  // namespace mistamover::sftp
