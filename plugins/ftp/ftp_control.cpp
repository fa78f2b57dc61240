// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_control.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/DNS.h>
#include <Poco/Net/HostEntry.h>
#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include <mistamover/transfer_module.hpp>

namespace mistamover::ftp {
namespace {

std::vector<Poco::Net::SocketAddress> addresses_of(const FtpOptions& options) {
    Poco::Net::IPAddress literal;
    if (Poco::Net::IPAddress::tryParse(options.host, literal)) {
        return {{literal, options.port}};
    }
    std::vector<Poco::Net::SocketAddress> addresses;
    try {
        const Poco::Net::HostEntry host = Poco::Net::DNS::hostByName(options.host);
        for (const auto& address : host.addresses()) {
            addresses.emplace_back(address, options.port);
        }
    } catch (const Poco::Exception& error) {
        throw StatusError({StatusCode::unreachable, StatusScope::session,
                           "the address of " + options.host + " cannot be found: " + error.displayText()});
    }
    return addresses;
}

// What only PWD and MKD are answered.
constexpr int path_created = 257;

}  // namespace

Control::Control(const FtpOptions& options, const TlsClient& tls, SessionContext& context, bool known_login)
    : options_(options), tls_(tls), context_(context), known_login_(known_login) {
    connect();
    if (options.tls == Tls::from_start) {
        wire_->start_tls(tls, nullptr);
    }
    Reply greeting = read_reply();
    while (greeting.preliminary()) {
        greeting = read_reply();
    }
    if (!greeting.completed()) {
        const Status refusal = reply_failure(greeting, During::login, "connect to " + options.host);
        throw StatusError({StatusCode::unreachable, StatusScope::session, refusal.text(), greeting.code});
    }
    if (options.tls == Tls::on_request) {
        start_tls();
    }
    log_in();
    probe_features();
    enter_target();
}

Control::~Control() {
    try {
        wire_->write("QUIT\r\n");
    } catch (const StatusError&) {
        return;  // it is not there any more
    }
}

void Control::connect() {
    const std::vector<Poco::Net::SocketAddress> addresses = addresses_of(options_);
    for (std::size_t i = 0; !wire_ && i < addresses.size(); ++i) {
        try {
            address_ = addresses[i];
            wire_.emplace(address_, context_, options_.connect_timeout);
        } catch (const StatusError& error) {
            if (error.status().code() == StatusCode::cancelled || i + 1 == addresses.size()) {
                throw;
            }
        }
    }
    if (!wire_) {
        throw StatusError({StatusCode::unreachable, StatusScope::session, options_.host + " has no address"});
    }
    wire_->set_silence(silence());
    if (options_.keep_alive) {
        wire_->keep_alive();
    }
}

std::chrono::milliseconds Control::silence() const {
    return std::min(options_.timeout, std::chrono::milliseconds(context_.stall_timeout_ms()));
}

void Control::start_tls() {
    const Reply reply = call("AUTH TLS");
    if (reply.code != 234) {
        const std::string what = "the server takes no TLS (ftp.tls: explicit)";
        const bool for_now = reply.passing_failure() || known_login_;
        throw StatusError({for_now ? StatusCode::unreachable : StatusCode::configuration,
                           for_now ? StatusScope::session : StatusScope::stream,
                           reply_failure(reply, During::login, what).text(), reply.code});
    }
    // What came before the encryption began is nobody's word.
    if (!parser_.empty()) {
        throw StatusError({StatusCode::connection_lost, StatusScope::session,
                           "somebody has added to what the server said before TLS began"});
    }
    wire_->start_tls(tls_, nullptr);
}

/// A server that counts connections, has lost a disk or is being mended may refuse what has worked before, in
/// the very words of a wrong password or a wrong setting.
void Control::refused(const Reply& reply, std::string_view doing) const {
    const Status refusal = reply_failure(reply, During::login, doing);
    throw StatusError(known_login_
                          ? Status(StatusCode::unreachable, StatusScope::session, refusal.text(), reply.code)
                          : refusal);
}

void Control::log_in() {
    Reply reply = call("USER " + options_.username);
    if (reply.code == 331) {
        secret_ = password_of(options_);
        reply = call("PASS " + secret_);
        secret_.clear();
    }
    if (!reply.completed()) {
        refused(reply, "log in to " + options_.host + " as " + options_.username);
    }
    if (options_.tls != Tls::none) {
        for (const char* command : {"PBSZ 0", "PROT P"}) {
            if (const Reply protection = call(command); !protection.completed()) {
                refused(protection, "encrypt data connections");
            }
        }
    }
}

void Control::probe_features() {
    queue("FEAT", [this](const Reply& reply) { features_ = features_in(reply); });
    queue("TYPE I", [this](const Reply& reply) {
        if (!reply.completed()) {
            refused(reply, "choose binary transfer");
        }
    });
    exchange();
    if (features_.utf8) {
        (void)call("OPTS UTF8 ON");
    }
}

void Control::enter_target() {
    target_ = options_.target_dir;
    if (!target_.empty()) {
        return_to_target();
    }
    const Reply where = call("PWD");
    tells_directory_ = where.code == path_created;
    if (tells_directory_) {
        target_ = quoted_path(where.lines.back()).value_or(target_);
    }
}

void Control::return_to_target() {
    const Reply reply = call(with_path("CWD", target_));
    if (!reply.completed()) {
        throw StatusError(
            session_failure(reply, During::request, "enter the target directory " + options_.target_dir));
    }
}

bool Control::is_directory(std::string_view path) {
    if (!call(with_path("CWD", path)).completed()) {
        return false;
    }
    return_to_target();
    return true;
}

bool Control::is_alive() {
    try {
        return call("NOOP").completed();
    } catch (const StatusError& error) {
        if (error.status().code() == StatusCode::cancelled) {
            throw;
        }
        return false;
    }
}

std::string Control::with_path(std::string_view verb, std::string_view path) const {
    return command_with_path(verb, path, names_);
}

void Control::queue_unanswered(std::string_view command) {
    unsent_ += command;
    unsent_ += "\r\n";
}

void Control::queue(std::string_view command, Handler handler) {
    queue_unanswered(command);
    expected_.push_back(std::move(handler));
}

void Control::flush() {
    wire_->write(std::exchange(unsent_, {}));
}

Reply Control::read_reply() {
    std::array<char, 4096> buffer{};
    for (;;) {
        try {
            if (std::optional<Reply> reply = parser_.take()) {
                note_step();
                if (!secret_.empty()) {
                    for (std::string& line : reply->lines) {
                        line = without_secret(line, secret_);
                    }
                }
                if (reply->code == 421) {
                    throw StatusError(
                        reply_failure(*reply, During::request, "the server ends the connection"));
                }
                return std::move(*reply);
            }
        } catch (const std::runtime_error& error) {
            if (dynamic_cast<const StatusError*>(&error) != nullptr) {
                throw;
            }
            // It may show a part of the password, where it cuts a line.
            throw StatusError({StatusCode::connection_lost, StatusScope::session,
                               secret_.empty() ? error.what() : "the answer to PASS is no reply of FTP"});
        }
        const std::size_t got = wire_->read(buffer.data(), buffer.size());
        if (got == 0) {
            throw StatusError({StatusCode::connection_lost, StatusScope::session,
                               "the server has ended the control connection"});
        }
        parser_.feed({buffer.data(), got});
    }
}

std::optional<Reply> Control::read_reply_within(std::chrono::milliseconds patience) {
    wire_->set_silence(std::min(silence(), patience));
    try {
        Reply reply = read_reply();
        wire_->set_silence(silence());
        return reply;
    } catch (const StatusError& error) {
        if (error.status().code() != StatusCode::timed_out) {
            throw;
        }
        return std::nullopt;
    }
}

/// By a command whose answer is like no other.
void Control::catch_up() {
    if (!tells_directory_) {
        throw StatusError({StatusCode::connection_lost, StatusScope::session,
                           "connection given up: the server answers PWD otherwise than by 257, so that the "
                           "end of its earlier replies cannot be told"});
    }
    queue_unanswered("PWD");
    flush();
    while (read_reply().code != path_created) {
    }
}

void Control::answer() {
    const Reply reply = read_reply();
    const Handler handler = std::move(expected_.front());
    expected_.pop_front();
    handler(reply);
}

void Control::exchange() {
    flush();
    while (!expected_.empty()) {
        answer();
    }
}

Reply Control::call(std::string_view command, std::chrono::milliseconds more_patience) {
    Reply result;
    wire_->set_silence(silence() + more_patience);
    queue(command, [&](const Reply& reply) { result = reply; });
    exchange();
    wire_->set_silence(silence());
    return result;
}

}  // namespace mistamover::ftp
