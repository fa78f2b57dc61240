// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <mistamover/transfer_module.hpp>

#include "quiet_context.hpp"
#include "sftp/pipeline.hpp"

namespace mistamover::sftp::test {

using mistamover::test::QuietContext;

/// Takes what is sent, and answers with what the test puts there.
class ScriptedChannel final : public ByteChannel {
  public:
    std::size_t send(std::string_view bytes) override {
        sent += bytes;
        return bytes.size();
    }
    bool receive(PacketSplitter& to) override {
        const bool any = !incoming.empty();
        to.feed(std::exchange(incoming, {}));
        return any;
    }
    void wait(bool, int, std::chrono::milliseconds patience) override { waited += patience; }

    /// A status for request `id`.
    void answer(std::uint32_t id, std::uint32_t code) {
        OutputBuffer output;
        PacketWriter(output, PacketType::status).number(id).number(code).text("words").text("en");
        incoming += output.view();
    }
    std::string sent;
    std::string incoming;
    std::chrono::milliseconds waited{0};
};

/// Answers each request at once, as a server does at which there is nothing yet but the target directory and
/// all succeeds, but for what the test has it refuse, or answers itself.
class AnsweringChannel final : public ByteChannel {
  public:
    /// In place of a code: the connection breaks.
    static constexpr std::uint32_t breaks = UINT32_MAX;

    std::size_t send(std::string_view bytes) override {
        requests_.feed(bytes);
        while (const auto request = requests_.next()) {
            PacketReader reader(*request);
            const PacketType type = reader.type();
            ++asked_[type];
            const std::uint32_t id = reader.number();
            if (!on_request || !on_request(type, id, reader, incoming_)) {
                answer(type, id);
            }
        }
        return bytes.size();
    }
    bool receive(PacketSplitter& to) override {
        if (broken_) {
            throw StatusError({StatusCode::connection_lost, StatusScope::session, "broken"});
        }
        const bool any = incoming_.size() != 0;
        to.feed(incoming_.view());
        incoming_.consume(incoming_.size());
        return any;
    }
    void wait(bool, int, std::chrono::milliseconds) override {
        if (on_wait) {
            on_wait(incoming_);
        }
    }

    [[nodiscard]] int times_asked(PacketType type) const {
        const auto found = asked_.find(type);
        return found == asked_.end() ? 0 : found->second;
    }

    std::map<PacketType, std::uint32_t> refusals;
    std::uint64_t size_of_files = 0;
    /// Sees each request, with the fields behind its number, before all else; true where it has appended the
    /// answer.
    std::function<bool(PacketType type, std::uint32_t id, PacketReader fields, OutputBuffer& output)>
        on_request;
    /// Each appends the answer to the request of this number.
    std::map<PacketType, std::function<void(OutputBuffer&, std::uint32_t)>> answers;
    /// While nothing comes; may append something.
    std::function<void(OutputBuffer&)> on_wait;

  private:
    void answer(PacketType type, std::uint32_t id) {
        const auto refusal = refusals.find(type);
        if (refusal != refusals.end()) {
            broken_ = broken_ || refusal->second == breaks;
            return status(id, refusal->second);
        }
        if (const auto own = answers.find(type); own != answers.end()) {
            return own->second(incoming_, id);
        }
        switch (type) {
            case PacketType::init:
                PacketWriter(incoming_, PacketType::version).number(protocol_version);
                return;
            case PacketType::stat:
                PacketWriter(incoming_, PacketType::attributes).number(id).attributes({{}, 040700, {}});
                return;
            case PacketType::open:
            case PacketType::opendir:
                PacketWriter(incoming_, PacketType::handle).number(id).text("h");
                return;
            case PacketType::fstat:
                PacketWriter(incoming_, PacketType::attributes)
                    .number(id)
                    .attributes({size_of_files, 0100600, {}});
                return;
            case PacketType::lstat:
                return status(id, reply_code::no_such_file);
            default:
                return status(id, reply_code::ok);
        }
    }
    void status(std::uint32_t id, std::uint32_t code) {
        PacketWriter(incoming_, PacketType::status).number(id).number(code).text("words").text("en");
    }

    PacketSplitter requests_;
    OutputBuffer incoming_;
    std::map<PacketType, int> asked_;
    bool broken_ = false;
};

/// What a server that shares files as OpenSSH does says of itself.
inline void greet_as_openssh(AnsweringChannel& channel) {
    channel.answers[PacketType::init] = [](OutputBuffer& output, std::uint32_t) {
        PacketWriter version(output, PacketType::version);
        version.number(protocol_version);
        for (const char* name : {"posix-rename@openssh.com", "limits@openssh.com", "fsync@openssh.com"}) {
            version.text(name).text("1");
        }
    };
}

/// One file at a server, which several connections have open. Safe from several threads.
class FileAtServer {
  public:
    enum class Kind : std::uint8_t { one, emptied_when_opened, copy_of_each_handle };

    explicit FileAtServer(Kind kind = Kind::one) : kind_(kind) {}
    /// As AnsweringChannel::on_request: opens, reads and looks, and sees what is written.
    bool answer(PacketType type, std::uint32_t id, PacketReader fields, OutputBuffer& output) {
        const std::lock_guard lock(mutex_);
        switch (type) {
            case PacketType::open:
                PacketWriter(output, PacketType::handle).number(id).text(open());
                return true;
            case PacketType::fstat:
                PacketWriter(output, PacketType::attributes)
                    .number(id)
                    .attributes({copy_of(fields).size(), 0100600, {}});
                return true;
            case PacketType::read:
                read(id, fields, output);
                return true;
            case PacketType::write:
                write(fields);
                return false;
            case PacketType::close:
                content_ = copy_of(fields);
                return false;
            default:
                return false;
        }
    }
    /// As it was when it was closed last.
    [[nodiscard]] std::string content() const {
        const std::lock_guard lock(mutex_);
        return content_;
    }

  private:
    std::string open() {
        if (copies_.empty() || kind_ == Kind::copy_of_each_handle) {
            copies_.push_back(copies_.empty() ? std::string() : copies_.front());
        }
        if (kind_ == Kind::emptied_when_opened) {
            copies_.front().clear();
        }
        return std::to_string(copies_.size() - 1);
    }
    std::string& copy_of(PacketReader& fields) { return copies_.at(std::stoul(std::string(fields.text()))); }
    void read(std::uint32_t id, PacketReader& fields, OutputBuffer& output) {
        const std::string& copy = copy_of(fields);
        const std::uint64_t offset = fields.long_number();
        if (offset >= copy.size()) {
            PacketWriter(output, PacketType::status).number(id).number(reply_code::end_of_file);
        } else {
            PacketWriter(output, PacketType::data).number(id).text(copy.substr(offset, fields.number()));
        }
    }
    void write(PacketReader& fields) {
        std::string& copy = copy_of(fields);
        const std::uint64_t offset = fields.long_number();
        const std::string_view data = fields.text();
        copy.resize(std::max<std::size_t>(copy.size(), offset + data.size()));
        copy.replace(offset, data.size(), data);
    }

    const Kind kind_;
    mutable std::mutex mutex_;
    std::vector<std::string> copies_;
    std::string content_;
};

/// What a server does, in order, that matters after a power failure: "rename", and "fsync PATH". It opens a
/// directory only where `opens_directories`.
struct DiskLog {
    explicit DiskLog(AnsweringChannel& channel) {
        channel.on_request = [this](PacketType type, std::uint32_t id, PacketReader fields,
                                    OutputBuffer& output) { return answer(type, id, fields, output); };
    }
    bool answer(PacketType type, std::uint32_t id, PacketReader fields, OutputBuffer& output) {
        if (type == PacketType::open) {
            const std::string path(fields.text());
            if (fields.number() == open_flag::read && !opens_directories) {
                PacketWriter(output, PacketType::status).number(id).number(reply_code::failure);
            } else {
                PacketWriter(output, PacketType::handle).number(id).text(path);
            }
            return true;
        }
        if (type != PacketType::extended) {
            return false;
        }
        if (fields.text() != "fsync@openssh.com") {
            steps.emplace_back("rename");
            return false;
        }
        steps.push_back("fsync " + std::string(fields.text()));
        const bool refused = steps.size() > steps_before_refusal;
        if (refused) {
            PacketWriter(output, PacketType::status).number(id).number(reply_code::failure);
        }
        return refused;
    }
    bool opens_directories = true;
    /// So many steps succeed; of what comes behind them, no fsync does.
    std::size_t steps_before_refusal = SIZE_MAX;
    std::vector<std::string> steps;
};

}  // namespace mistamover::sftp::test
