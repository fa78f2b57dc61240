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

std::string active_command(const Poco::Net::SocketAddress& here) {
    if (here.family() == Poco::Net::SocketAddress::IPv6) {
        return "EPRT |2|" + here.host().toString() + '|' + std::to_string(here.port()) + '|';
    }
    std::string numbers = here.host().toString();
    std::replace(numbers.begin(), numbers.end(), '.', ',');
    return "PORT " + numbers + ',' + std::to_string(here.port() / 256) + ',' +
           std::to_string(here.port() % 256);
}

/// Whether a transfer may end so; a NOOP is answered otherwise.
bool ends_transfer(const Reply& reply) {
    constexpr int closing = 226;
    constexpr int done = 250;
    return reply.code == closing || reply.code == done || reply.code / 100 == 4 || reply.code / 10 == 55;
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
        (void)end_of_transfer();  // the command was sent already, and has failed for want of a port
    }
    return reply;
}

OpenedData DataChannel::open_passive(const std::string& command, std::uint64_t offset) {
    OpenedData data;
    // A server may choose a port that an earlier transfer still holds (TIME_WAIT); the next one is another.
    constexpr int tries = 4;
    for (int attempt = 0; attempt < tries && !data.refusal.completed(); ++attempt) {
        data.refusal = ask_for_port(command, offset);
    }
    if (!data.refusal.completed()) {
        if (data.refusal.permanent_failure()) {
            // It is the server's ports that are short, not the file that is bad.
            throw StatusError({StatusCode::unreachable, StatusScope::session,
                               reply_failure(data.refusal, During::transfer, "open a data connection").text(),
                               data.refusal.code});
        }
        return data;
    }
    const std::string& text = data.refusal.lines.back();
    const auto port = data.refusal.code == 229 ? epsv_port(text) : pasv_port(text);
    if (!port) {
        throw StatusError({StatusCode::internal, StatusScope::session,
                           "the server names no port for a data connection: " + text, data.refusal.code});
    }
    data.wire.emplace(Poco::Net::SocketAddress(control_.address().host(), *port), context_,
                      options_.connect_timeout);
    return data;
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
    Reply offered;
    control_.queue(active_command(listener.address()), [&](const Reply& reply) { offered = reply; });
    queue_transfer(command, offset);
    control_.exchange();
    data.refusal = control_.read_reply();
    if (!offered.completed()) {
        data.refusal = offered;
        return data;
    }
    data.begun = true;
    if (!data.refusal.preliminary()) {
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

/// Reads the first reply to the command; false, without a connection, where it is a refusal.
bool DataChannel::begin(OpenedData& data) {
    if (!data.begun) {
        data.refusal = control_.read_reply();
        data.begun = true;
    }
    if (!data.refusal.preliminary()) {
        data.wire.reset();
        return false;
    }
    return true;
}

OpenedData DataChannel::open(const std::string& command, bool eager, std::uint64_t offset) {
    OpenedData data = options_.passive ? open_passive(command, offset) : open_active(command, offset);
    if (!data.wire) {
        return data;
    }
    data.wire->set_silence(
        std::min(options_.timeout, std::chrono::milliseconds(context_.stall_timeout_ms())));
    const bool secure = control_.wire().is_secure();
    if ((!eager || secure) && !begin(data)) {
        return data;
    }
    if (secure) {
        data.wire->start_tls(tls_, control_.wire().tls_session());
    }
    return data;
}

Reply DataChannel::end_of_transfer() {
    Reply reply = control_.read_reply();
    while (reply.preliminary()) {
        reply = control_.read_reply();
    }
    return reply;
}

/// Pure-FTPd ends what was cut off with nothing more than another 150. If there is more to come from some
/// other server, it comes before the answer to a NOOP.
Reply DataChannel::end_of_cut_transfer() {
    Reply reply = control_.read_reply();
    if (reply.preliminary()) {
        control_.queue_unanswered("NOOP");
        control_.flush();
        for (Reply next = end_of_transfer(); ends_transfer(next); next = end_of_transfer()) {
            reply = std::move(next);
        }
    }
    return reply;
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
    }
    data.wire.reset();
    const bool cut_off = content.size() == limit;
    reply = cut_off ? end_of_cut_transfer() : end_of_transfer();
    return content;
}

}  // namespace mistamover::ftp
