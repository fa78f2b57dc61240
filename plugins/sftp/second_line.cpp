// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/second_line.hpp"

#include <cerrno>
#include <map>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "sftp/one_file.hpp"
#include "sftp/server.hpp"
#include "sftp/write_pace.hpp"

namespace mistamover::sftp {

/// The session's, but that it can be given up alone.
class SecondLine::Context final : public border::SessionContext {
  public:
    Context(border::SessionContext& of_session, std::optional<Connections::Spare>& spare)
        : of_session_(of_session), spare_(spare), given_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (given_up_ < 0) {
            throw std::system_error(errno, std::generic_category(), "eventfd");
        }
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ~Context() { ::close(given_up_); }

    void give_up() noexcept {
        is_given_up_ = true;
        (void)::eventfd_write(given_up_, 1);
    }
    /// From now on it is not given up where a session needs the connection, but ended in order.
    void connected() noexcept { connecting_ = false; }
    /// For a moment, or until it is given up.
    void wait() const noexcept {
        constexpr int moment_ms = 5;
        pollfd given_up{given_up_, POLLIN, 0};
        (void)::poll(&given_up, 1, moment_ms);
    }

    void log(LogLevel level, std::string_view text) noexcept override { of_session_.log(level, text); }
    bool cancelled() const noexcept override {
        return is_given_up_ || of_session_.cancelled() || (connecting_ && spare_->is_needed());
    }
    int cancel_fd() const noexcept override { return given_up_; }
    std::int64_t stall_timeout_ms() const noexcept override { return of_session_.stall_timeout_ms(); }
    void acquire(std::uint64_t bytes) noexcept override { of_session_.acquire(bytes); }
    void progress(std::uint64_t bytes) noexcept override { of_session_.progress(bytes); }

  private:
    border::SessionContext& of_session_;
    std::optional<Connections::Spare>& spare_;
    const int given_up_;
    std::atomic<bool> is_given_up_{false};
    bool connecting_ = true;  ///< The thread's.
};

/// What of the file goes by this line. Used by its thread.
class SecondLine::Share {
  public:
    Share(SecondLine& line, Server& server)
        : line_(line), server_(server), pace_(server.features().write_size) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() {
        if (!on_their_way_.empty()) {
            server_.pipeline().abandon();
            for (const auto& [offset, size] : on_their_way_) {
                line_.pieces_.give_back({offset, size});
            }
        }
    }

    /// Throws StatusError where the line fails, or the server refuses something.
    void send() {
        const auto before = wait_for_block(0);
        auto untouched = Stage::untouched;
        if (!before || !line_.stage_.compare_exchange_strong(untouched, Stage::opening)) {
            return;
        }
        open();
        if (is_one_file(*before)) {
            line_.stage_ = Stage::sharing;
            send_pieces();
        }
        close();
        if (!refusal_.ok()) {
            throw StatusError(refusal_);
        }
    }

  private:
    [[nodiscard]] bool is_to_end() const {
        return line_.all_taken_ || line_.context_->cancelled() || line_.spare_->is_needed();
    }

    /// What the server has confirmed last, where that does not begin before `from`, and its loss would show.
    /// Nothing where the line is to end before there is such a block.
    std::optional<Piece> wait_for_block(std::uint64_t from) {
        while (!is_to_end()) {
            const std::uint64_t confirmed = line_.pieces_.confirmed();
            if (confirmed >= from + compared_at_once) {
                const Piece block{confirmed - compared_at_once, compared_at_once};
                if (is_telling(line_.source_, block)) {
                    return block;
                }
            }
            line_.context_->wait();
        }
        return std::nullopt;
    }

    void open() {
        server_.ask(
            PacketType::open,
            [&](PacketWriter& packet) {
                packet.text(line_.temp_).number(open_flag::read | open_flag::write).attributes({});
            },
            [&](Reply& reply) {
                if (reply.type != PacketType::handle) {
                    line_.stage_ = Stage::unwanted;
                    throw StatusError(reply.failure("open " + line_.temp_ + " once more"));
                }
                handle_ = reply.body.text();
            });
    }

    /// Whether what was confirmed `before` it was opened here is still there, and what the session has
    /// written since can be read here. Throws StatusError where it is not; false where it cannot be told any
    /// more.
    bool is_one_file(const Piece& before) {
        const std::uint64_t taken = line_.pieces_.taken();
        if (size_of(server_, handle_) < before.offset + before.size ||
            !holds(server_, handle_, line_.source_, before)) {
            fail_proof("what had been written of it is not there any more");
        }
        const auto since = wait_for_block(taken);
        if (since && !holds(server_, handle_, line_.source_, *since)) {
            fail_proof("what is written by the first is not seen by the second");
        }
        return since.has_value();
    }

    [[noreturn]] void fail_proof(const std::string& why) {
        line_.spare_->is_of_no_use();
        throw StatusError({StatusCode::corrupt, StatusScope::session,
                           "at this server a file cannot be written by two connections: " + why});
    }

    void send_pieces() {
        Pipeline& pipeline = server_.pipeline();
        for (;;) {
            while (refusal_.ok() && pace_.has_room() && pipeline.has_room() && !line_.spare_->is_needed() &&
                   write_one()) {
            }
            if (line_.context_->cancelled()) {
                throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
            }
            if (on_their_way_.empty()) {
                return;
            }
            pipeline.pump();
        }
    }

    bool write_one() {
        const auto piece = line_.pieces_.take(pace_.piece());
        if (!piece) {
            return false;
        }
        try {
            on_their_way_.emplace(piece->offset, piece->size);
        } catch (...) {
            line_.pieces_.give_back(*piece);
            throw;
        }
        pace_.asked(piece->size);
        server_.pipeline().request(
            PacketType::write,
            [&](PacketWriter& packet) {
                packet.text(handle_).long_number(piece->offset);
                line_.end_.failure =
                    line_.source_.read(piece->offset, packet.blank_text(piece->size), piece->size);
            },
            [this, piece = *piece, asked = WritePace::Clock::now()](Reply& reply) {
                on_answer(piece, asked, reply);
            });
        if (!line_.end_.failure.ok()) {
            throw StatusError(line_.end_.failure);
        }
        return true;
    }

    void on_answer(const Piece& piece, WritePace::Clock::time_point asked, const Reply& reply) {
        on_their_way_.erase(piece.offset);
        if (!reply.is_ok()) {
            line_.pieces_.give_back(piece);
            pace_.refused(piece.size);
            refusal_ = reply.failure("write " + line_.temp_, StatusCode::no_space);
            return;
        }
        pace_.done(piece.size, asked);
        line_.pieces_.confirm(piece);
        line_.bytes_sent_ += piece.size;
        line_.context_->progress(piece.size);
    }

    void close() {
        server_.ask(
            PacketType::close, [&](PacketWriter& packet) { packet.text(handle_); },
            [&](Reply& reply) {
                if (!reply.is_ok()) {
                    line_.end_.failure = reply.failure("close " + line_.temp_, StatusCode::no_space);
                }
            },
            time_to_store(line_.pieces_.size()));
        line_.stage_ = Stage::closed;
    }

    SecondLine& line_;
    Server& server_;
    WritePace pace_;
    std::string handle_;
    Status refusal_;                                     ///< The last one.
    std::map<std::uint64_t, std::size_t> on_their_way_;  ///< Pieces, by their offset.
};

SecondLine::SecondLine(Connections::Spare spare, border::SessionContext& context, std::string temp,
                       SourceFile& source, Pieces& pieces)
    : spare_(std::move(spare)),
      context_(std::make_unique<Context>(context, spare_)),
      temp_(std::move(temp)),
      source_(source),
      pieces_(pieces),
      thread_([this] { run(); }) {}

SecondLine::~SecondLine() {
    (void)give_up();
}

SecondLine::End SecondLine::finish() {
    all_taken_ = true;
    auto untouched = Stage::untouched;
    if (stage_.compare_exchange_strong(untouched, Stage::unwanted)) {
        return give_up();
    }
    thread_.join();
    return end_;
}

SecondLine::End SecondLine::give_up() {
    if (thread_.joinable()) {
        context_->give_up();
        thread_.join();
    }
    return end_;
}

void SecondLine::run() noexcept {
    try {
        const std::unique_ptr<Connection> connection = spare_->connect(*context_);
        context_->connected();
        Share(*this, connection->server()).send();
        if (bytes_sent_ > 0) {
            context_->log(LogLevel::info, "a second connection has sent " +
                                              format_size(ByteCount{bytes_sent_}) + " of " + temp_);
        }
    } catch (const StatusError& error) {
        note_end(error.status());
    } catch (const std::exception& error) {
        note_end({StatusCode::internal, StatusScope::session, error.what()});
    }
    has_failed_ = !end_.failure.ok();
    spare_.reset();
}

/// Why it has ended before its time.
void SecondLine::note_end(const Status& status) noexcept {
    const bool is_of_source = stage_ == Stage::sharing && !end_.failure.ok();
    if (is_of_source) {
        return;
    }
    if (stage_ == Stage::opening) {
        end_.failure = status.of_session();
    } else if (stage_ == Stage::sharing && bytes_sent_ > 0) {
        end_ = {status.of_session(), true};
    }
    if (!context_->cancelled()) {
        spare_->has_failed();
        context_->log(LogLevel::info,
                      "a second connection for one file has failed, and none is tried for some time: " +
                          std::string(status.text()));
    }
}

}  // namespace mistamover::sftp
