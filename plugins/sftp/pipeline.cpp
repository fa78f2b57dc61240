// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/pipeline.hpp"

#include <algorithm>

#include <mistamover/transfer_module.hpp>

namespace mistamover::sftp {
namespace {

using std::chrono::milliseconds;

// After a cancel the answers that are due are still waited for, so that nothing is left behind; so long.
constexpr milliseconds patience_after_cancel{2000};

}  // namespace

Status Reply::failure(std::string_view doing, StatusCode unspecific) const {
    if (type != PacketType::status || code == reply_code::ok) {
        return {StatusCode::corrupt, StatusScope::session,
                std::string(doing) + ": the server's answer does not fit the question"};
    }
    return server_failure(code, message, doing, unspecific);
}

Pipeline::Pipeline(ByteChannel& channel, border::SessionContext& context)
    : channel_(channel), context_(context), last_activity_(Clock::now()) {}

void Pipeline::start(const std::function<void(std::string_view, std::string_view)>& on_extension) {
    PacketWriter(output_, PacketType::init).number(protocol_version);
    std::optional<std::string_view> packet;
    while (!(packet = input_.next())) {
        (void)send();
        wait_for_something();
        if (channel_.receive(input_)) {
            restart_patience();
        }
        if (context_.cancelled()) {
            throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
        }
        check_patience();
    }
    PacketReader reader(*packet);
    if (reader.type() != PacketType::version || reader.number() < protocol_version) {
        throw StatusError(
            {StatusCode::unsupported, StatusScope::stream, "the server does not speak version 3 of SFTP"});
    }
    input_.connected();
    while (!reader.at_end()) {
        const std::string_view name = reader.text();
        on_extension(name, reader.text());
    }
}

std::uint32_t Pipeline::expect_answer(Due due) {
    if (due_.empty()) {
        restart_patience();
    }
    extra_patience_ += due.extra_patience;
    const std::uint32_t id = next_id_++;
    due_.emplace(id, std::move(due));
    return id;
}

void Pipeline::pump() {
    if (broken_) {
        throw StatusError(*broken_);
    }
    try {
        round();
    } catch (const StatusError& error) {
        broken_ = error.status();
        due_.clear();
        throw;
    } catch (const std::exception& error) {
        broken_ = Status(StatusCode::internal, StatusScope::session, error.what());
        due_.clear();
        throw StatusError(*broken_);
    }
}

void Pipeline::abandon() noexcept {
    due_.clear();
    if (!broken_) {
        broken_ = Status(StatusCode::internal, StatusScope::session, "the session was given up");
    }
}

void Pipeline::round() {
    bool active = send();
    if (channel_.receive(input_)) {
        active = true;
        restart_patience();
    }
    if (!handle_replies() && !active) {
        check_patience();
        wait_for_something();
    }
}

void Pipeline::finish() {
    while (!due_.empty() || output_.size() != 0) {
        pump();
    }
}

bool Pipeline::send() {
    bool sent = false;
    while (output_.size() != 0) {
        const std::size_t taken = channel_.send(output_.view());
        if (taken == 0) {
            break;
        }
        output_.consume(taken);
        sent = true;
    }
    if (sent) {
        restart_patience();
    }
    return sent;
}

bool Pipeline::handle_replies() {
    bool any = false;
    while (const auto packet = input_.next()) {
        handle(*packet);
        any = true;
    }
    return any;
}

void Pipeline::handle(std::string_view packet) {
    PacketReader reader(packet);
    const PacketType type = reader.type();
    const auto found = due_.find(reader.number());
    if (found == due_.end()) {
        throw StatusError({StatusCode::corrupt, StatusScope::session,
                           "the server answered a question that nobody had asked"});
    }
    const Due due = std::move(found->second);
    due_.erase(found);
    extra_patience_ -= due.extra_patience;
    Reply reply{type, reply_code::ok, {}, reader};
    if (type == PacketType::status) {
        reply.code = reply.body.number();
        reply.message = reply.body.at_end() ? std::string_view() : reply.body.text();
    }
    due.handler(reply);
}

void Pipeline::check_patience() {
    const auto now = Clock::now();
    if (context_.cancelled()) {
        cancelled_at_ = cancelled_at_.value_or(now);
        if (now - *cancelled_at_ > patience_after_cancel) {
            throw StatusError(
                Status(StatusCode::cancelled, StatusScope::session, "cancelled").with_outcome_unknown());
        }
    }
    if (now - last_activity_ > patience()) {
        throw StatusError(Status(StatusCode::timed_out, StatusScope::session,
                                 "the server has not answered for " + format_duration(patience()))
                              .with_outcome_unknown());
    }
}

void Pipeline::wait_for_something() {
    constexpr milliseconds longest{1000};
    const auto left = std::chrono::ceil<milliseconds>(last_activity_ + patience() - Clock::now());
    // Readable for good after a cancel, it would end every wait at once.
    const int cancel_fd = context_.cancelled() ? -1 : context_.cancel_fd();
    channel_.wait(output_.size() != 0, cancel_fd,
                  std::clamp(left + milliseconds{1}, milliseconds{1}, longest));
}

}  // namespace mistamover::sftp
