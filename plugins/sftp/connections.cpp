// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/connections.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <mistamover/transfer_module.hpp>

namespace mistamover::sftp {

using std::chrono::milliseconds;

Connection::Connection(std::unique_ptr<ByteChannel> channel, border::SessionContext& context)
    : channel_(std::move(channel)), server_(*channel_, context) {
    server_.start();
    channel_->connected();
}

Connections::Connections(std::uint32_t most, Connect connect, std::function<Clock::time_point()> now)
    : most_(most), connect_(std::move(connect)), now_(std::move(now)) {}

Connections::Counted::Counted(Connections& all) : all_(all) {
    const std::lock_guard lock(all_.mutex_);
    ++all_.open_;
}

Connections::Counted::~Counted() {
    const std::lock_guard lock(all_.mutex_);
    --all_.open_;
}

Connections::Spare::Spare(Spare&& other) noexcept
    : all_(std::exchange(other.all_, nullptr)), leaves_(other.leaves_) {}

Connections::Spare::~Spare() {
    if (all_ == nullptr) {
        return;
    }
    const std::lock_guard lock(all_->mutex_);
    --all_->open_;
    --all_->spares_;
    all_->leaving_ -= leaves_ ? 1 : 0;
    all_->spare_ended_.notify_all();
}

bool Connections::Spare::is_needed() {
    const std::lock_guard lock(all_->mutex_);
    if (!leaves_ && (all_->waiting_ > 0 || all_->open_ > all_->most_ + all_->leaving_)) {
        leaves_ = true;
        ++all_->leaving_;
    }
    return leaves_;
}

void Connections::Spare::has_failed() const {
    all_->pause_spares();
}

void Connections::Spare::is_of_no_use() const {
    const std::lock_guard lock(all_->mutex_);
    all_->no_spare_until_ = Clock::time_point::max();
}

void Connections::pause_spares() {
    const std::lock_guard lock(mutex_);
    no_spare_until_ = std::max(no_spare_until_, now_() + spare_tried_again_after);
}

std::optional<Connections::Spare> Connections::take_spare() {
    const std::lock_guard lock(mutex_);
    if (open_ >= most_ || now_() < no_spare_until_) {
        return std::nullopt;
    }
    ++open_;
    ++spares_;
    return std::optional<Spare>(std::in_place, *this);
}

std::unique_ptr<Connection> Connections::connect(border::SessionContext& context) const {
    return std::make_unique<Connection>(connect_(context), context);
}

std::unique_ptr<Connection> Connections::connect_session(border::SessionContext& context) {
    const bool beside_spare = any_spare();
    try {
        return connect(context);
    } catch (const StatusError& error) {
        const Status& status = error.status();
        if (status.scope() != StatusScope::session || status.code() == StatusCode::cancelled ||
            (!beside_spare && !any_spare()) || !end_spares(context)) {
            throw;
        }
        context.log(LogLevel::info,
                    "second connections for one file have ended for a session, which could "
                    "not connect beside them: " +
                        std::string(status.text()));
    }
    return connect(context);
}

bool Connections::any_spare() const {
    const std::lock_guard lock(mutex_);
    return spares_ > 0;
}

/// True once the server has had the time to notice, too.
bool Connections::end_spares(border::SessionContext& context) {
    constexpr std::chrono::seconds longest{20};
    constexpr milliseconds look_for_cancel{50};
    constexpr milliseconds to_notice{300};
    pause_spares();
    std::unique_lock lock(mutex_);
    ++waiting_;
    const auto wait_until = [&](Clock::time_point deadline, const auto& done) {
        while (!done() && Clock::now() < deadline && !context.cancelled()) {
            spare_ended_.wait_for(lock, look_for_cancel);
        }
    };
    wait_until(Clock::now() + longest, [&] { return spares_ == 0; });
    const bool ended = spares_ == 0;
    if (ended) {
        wait_until(Clock::now() + to_notice, [] { return false; });
    }
    --waiting_;
    return ended && !context.cancelled();
}

}  // namespace mistamover::sftp
