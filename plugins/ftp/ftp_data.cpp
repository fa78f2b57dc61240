// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_data.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <algorithm>
#include <memory>
#include <poll.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

constexpr std::size_t read_piece = 64UL * 1024;
// Behind this answer to EPSV ProFTPD says nothing of the command that was to use the port. It gives it where
// two of its processes choose the same port at once.
constexpr int no_port = 425;

std::string active_command(const Poco::Net::SocketAddress& here) {
    if (here.family() == Poco::Net::SocketAddress::IPv6) {
        return "EPRT |2|" + here.host().toString() + '|' + std::to_string(here.port()) + '|';
    }
    std::string numbers = here.host().toString();
    std::replace(numbers.begin(), numbers.end(), '.', ',');
    return "PORT " + numbers + ',' + std::to_string(here.port() / 256) + ',' +
           std::to_string(here.port() % 256);
}

/// It is the connection that the server refuses, not the file: its ports are short, or forbidden.
[[noreturn]] void refuse_connection(const Reply& reply) {
    throw StatusError({StatusCode::unreachable, StatusScope::session,
                       reply_failure(reply, During::transfer, "open a data connection").text(), reply.code});
}

}  // namespace

void DataChannel::queue_transfer(const std::string& command, std::uint64_t offset) {
    if (offset != 0) {
        control_.queue("REST " + std::to_string(offset), [](const Reply& reply) {
            if (!reply.intermediate()) {
                // The transfer that is on its way would overwrite what is there from its beginning.
                throw StatusError({StatusCode::unsupported, StatusScope::session,
                                   reply_failure(reply, During::transfer, "resume").text(), reply.code});
            }
        });
    }
    control_.queue_unanswered(command);
}

/// The reply that names a port. Where it does not, nothing is outstanding.
Reply DataChannel::ask_for_port(const std::string& command, std::uint64_t offset) {
    Reply reply;
    const auto keep = [&](const Reply& answer) { reply = answer; };
    if (passive_ == Passive::unknown) {
        reply = control_.call("EPSV");
        passive_ = reply.completed() ? Passive::extended : Passive::plain;
        if (reply.permanent_failure()) {
            reply = control_.call("PASV");
        }
        if (reply.completed()) {
            queue_transfer(command, offset);
            control_.exchange();
        }
        return reply;
    }
    control_.queue(passive_ == Passive::extended ? "EPSV" : "PASV", keep);
    queue_transfer(command, offset);
    control_.exchange();
    if (!reply.completed()) {
        // The command was sent already, and has failed for want of a port.
        if (reply.code == no_port) {
            control_.catch_up();
        } else {
            (void)end_of_transfer();
        }
    }
    return reply;
}

OpenedData DataChannel::open_passive(const std::string& command, std::uint64_t offset) {
    Reply offer;
    // A server may choose a port that an earlier transfer still holds (TIME_WAIT); the next one is another.
    constexpr int tries = 4;
    for (int attempt = 0; attempt < tries && !offer.completed(); ++attempt) {
        offer = ask_for_port(command, offset);
    }
    if (!offer.completed()) {
        refuse_connection(offer);
    }
    const std::string& text = offer.lines.back();
    const auto port = offer.code == 229 ? epsv_port(text) : pasv_port(text);
    if (!port) {
        throw StatusError({StatusCode::internal, StatusScope::session,
                           "the server names no port for a data connection: " + text, offer.code});
    }
    OpenedData data;
    connect(data, *port);
    return data;
}

/// A server that refuses the command may have closed its port before anybody has connected; what it says of
/// the command counts then.
void DataChannel::connect(OpenedData& data, std::uint16_t port) {
    // A refusal is on its way already. A server that says nothing is waiting for the connection, in vain.
    constexpr std::chrono::seconds patience{5};
    try {
        data.wire.emplace(Poco::Net::SocketAddress(control_.address().host(), port), context_,
                          options_.connect_timeout);
    } catch (const StatusError& error) {
        if (error.status().code() != StatusCode::unreachable) {
            throw;
        }
        const std::optional<Reply> said = control_.read_reply_within(patience);
        if (!said || !(said->passing_failure() || said->permanent_failure())) {
            throw;
        }
        data.refusal = *said;
    }
}

OpenedData DataChannel::open_active(const std::string& command, std::uint64_t offset) {
    OpenedData data;
    const Poco::Net::SocketAddress own = control_.wire().socket().address();
    Poco::Net::ServerSocket listener;
    try {
        listener.bind(Poco::Net::SocketAddress(own.host(), 0), false);
        listener.listen(1);
    } catch (const Poco::Exception& error) {
        throw StatusError({StatusCode::local_io, StatusScope::session,
                           "listen for a data connection: " + error.displayText()});
    }
    // A firewall that is to let the connection in looks for this command only where a segment begins.
    control_.flush();
    Reply offered;
    control_.queue(active_command(listener.address()), [&](const Reply& reply) { offered = reply; });
    queue_transfer(command, offset);
    control_.exchange();
    if (!offered.completed()) {
        refuse_connection(offered);
    }
    if (!begin(data)) {
        return data;
    }
    while (!data.wire) {
        wait_for(listener.impl()->sockfd(), POLLIN, context_, options_.connect_timeout);
        Poco::Net::SocketAddress from;
        const Poco::Net::StreamSocket accepted = listener.acceptConnection(from);
        if (from.host() == control_.address().host()) {
            data.wire.emplace(accepted, context_);
        }
    }
    return data;
}

bool DataChannel::begin(OpenedData& data) {
    if (!data.begun) {
        data.refusal = control_.read_reply();
        data.begun = data.refusal.preliminary();
    }
    return data.begun;
}

OpenedData DataChannel::open(const std::string& command, bool eager, std::uint64_t offset) {
    OpenedData data = options_.passive ? open_passive(command, offset) : open_active(command, offset);
    if (data.wire) {
        prepare(data, eager);
    }
    if (!data.wire && offset != 0) {
        // vsftpd keeps the offset of a command that it refuses, and would begin the next file there.
        (void)control_.call("REST 0");
    }
    return data;
}

void DataChannel::prepare(OpenedData& data, bool eager) {
    data.wire->set_silence(control_.silence());
    const bool secure = control_.wire().is_secure();
    if ((!eager || secure) && !begin(data)) {
        data.wire.reset();
    } else if (secure) {
        data.wire->start_tls(tls_, control_.wire().tls_session());
    }
}

Reply DataChannel::end_of_transfer() {
    Reply reply = control_.read_reply();
    while (reply.preliminary()) {
        reply = control_.read_reply();
    }
    return reply;
}

/// Pure-FTPd ends what was cut off with nothing more than another 150; others may say more than one thing.
/// The first of them is waited for, because ProFTPD answers commands in the midst of a transfer.
void DataChannel::end_cut_transfer() {
    (void)control_.read_reply();
    control_.catch_up();
}

std::string DataChannel::fetch(const std::string& command, std::uint64_t limit, Reply& reply,
                               std::uint64_t offset) {
    OpenedData data = open(command, false, offset);
    if (!data.wire) {
        reply = data.refusal;
        return {};
    }
    std::string content;
    const auto buffer = std::make_unique_for_overwrite<char[]>(read_piece);
    while (content.size() < limit) {
        const std::size_t got =
            data.wire->read(buffer.get(), std::min<std::uint64_t>(read_piece, limit - content.size()));
        if (got == 0) {
            break;
        }
        content.append(buffer.get(), got);
        control_.note_step();
    }
    data.wire.reset();
    if (content.size() == limit) {
        reply = {};
        end_cut_transfer();
    } else {
        reply = end_of_transfer();
    }
    return content;
}

}  // namespace mistamover::ftp
