// SPDX-License-Identifier: BSD-3-Clause
#include "sftp/second_line.hpp"

#include <cerrno>
#include <map>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <mistamover/transfer_module.hpp>

#include "sftp/server.hpp"
#include "sftp/write_pace.hpp"

namespace mistamover::sftp {

/// The session's, but that it can be given up alone.
class SecondLine::Context final : public border::SessionContext {
  public:
    explicit Context(border::SessionContext& of_session)
        : of_session_(of_session), given_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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

    void log(LogLevel level, std::string_view text) noexcept override { of_session_.log(level, text); }
    bool cancelled() const noexcept override { return is_given_up_ || of_session_.cancelled(); }
    int cancel_fd() const noexcept override { return given_up_; }
    std::int64_t stall_timeout_ms() const noexcept override { return of_session_.stall_timeout_ms(); }
    void acquire(std::uint64_t bytes) noexcept override { of_session_.acquire(bytes); }
    void progress(std::uint64_t bytes) noexcept override { of_session_.progress(bytes); }

  private:
    border::SessionContext& of_session_;
    const int given_up_;
    std::atomic<bool> is_given_up_{false};
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
        open();
        Pipeline& pipeline = server_.pipeline();
        for (;;) {
            while (pace_.has_room() && pipeline.has_room() && !line_.connections_.too_many() && write_one()) {
            }
            if (line_.context_->cancelled()) {
                throw StatusError({StatusCode::cancelled, StatusScope::session, "cancelled"});
            }
            if (on_their_way_.empty()) {
                break;
            }
            pipeline.pump();
        }
        line_.closed_ = server_.ask_for_status(
            PacketType::close, [&](PacketWriter& packet) { packet.text(handle_); }, "close " + line_.temp_,
            StatusCode::no_space);
    }

  private:
    void open() {
        server_.ask(
            PacketType::open,
            [&](PacketWriter& packet) { packet.text(line_.temp_).number(open_flag::write).attributes({}); },
            [&](Reply& reply) {
                if (reply.type != PacketType::handle) {
                    throw StatusError(reply.failure("open " + line_.temp_ + " once more"));
                }
                handle_ = reply.body.text();
            });
        line_.opened_ = true;
    }

    bool write_one() {
        const auto piece = line_.pieces_.take(pace_.piece());
        if (!piece) {
            return false;
        }
        on_their_way_.emplace(piece->offset, piece->size);
        pace_.asked(piece->size);
        Status read;
        server_.pipeline().request(
            PacketType::write,
            [&](PacketWriter& packet) {
                packet.text(handle_).long_number(piece->offset);
                read = line_.source_.read(piece->offset, packet.blank_text(piece->size), piece->size);
            },
            [this, piece = *piece, asked = WritePace::Clock::now()](Reply& reply) {
                on_answer(piece, asked, reply);
            });
        if (!read.ok()) {
            throw StatusError(read);
        }
        return true;
    }

    void on_answer(const Piece& piece, WritePace::Clock::time_point asked, const Reply& reply) {
        if (!reply.is_ok()) {
            throw StatusError(reply.failure("write " + line_.temp_, StatusCode::no_space));
        }
        pace_.done(piece.size, asked);
        on_their_way_.erase(piece.offset);
        line_.pieces_.confirm(piece);
        line_.bytes_sent_ += piece.size;
        line_.context_->progress(piece.size);
    }

    SecondLine& line_;
    Server& server_;
    WritePace pace_;
    std::string handle_;
    std::map<std::uint64_t, std::size_t> on_their_way_;  ///< Pieces, by their offset.
};

SecondLine::SecondLine(Connections& connections, border::SessionContext& context, std::string temp,
                       SourceFile& source, Pieces& pieces)
    : connections_(connections),
      counted_(connections),
      context_(std::make_unique<Context>(context)),
      temp_(std::move(temp)),
      source_(source),
      pieces_(pieces),
      thread_([this] { run(); }) {}

SecondLine::~SecondLine() {
    if (thread_.joinable()) {
        context_->give_up();
        thread_.join();
    }
}

Status SecondLine::finish() {
    if (!opened_) {
        context_->give_up();
    }
    thread_.join();
    return closed_;
}

void SecondLine::run() noexcept {
    try {
        const std::unique_ptr<ByteChannel> channel = connections_.connect(*context_);
        Server server(*channel, *context_);
        server.start();
        channel->connected();
        Share(*this, server).send();
    } catch (const StatusError& error) {
        if (error.status().code() != StatusCode::source_changed) {
            note_failure(error.status().text());
        }
    } catch (const std::exception& error) {
        note_failure(error.what());
    }
}

void SecondLine::note_failure(std::string_view reason) noexcept {
    if (!context_->cancelled()) {
        connections_.spare_has_failed();
        context_->log(
            LogLevel::info,
            "a second connection for one file has failed, and is not tried again: " + std::string(reason));
    }
}

}  // namespace mistamover::sftp
