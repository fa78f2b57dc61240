// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mistamover::test {

/// An FTP server on threads of the test, which goes wrong where the test tells it to; of what real servers do
/// only by chance. It listens on 127.0.0.1 from the start, lets everybody in, and calls paths what this
/// machine calls them. Names are kept byte by byte: two bytes of 255 are two, unlike the standard says. Its
/// methods may be called at any moment.
class ScriptedFtp {
  public:
    ScriptedFtp();
    ~ScriptedFtp();
    ScriptedFtp(const ScriptedFtp&) = delete;
    ScriptedFtp& operator=(const ScriptedFtp&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    /// The script's next step: the command `verb` whose argument has `about` in it is answered by `reply`
    /// instead of being carried out. Behind a 421 the connection is closed. Steps are gone through in their
    /// order: each waits for its command while all others are carried out.
    void answer(const std::string& verb, const std::string& reply, const std::string& about = "");
    /// The same: control and data connection are reset instead; of a STOR or RETR, where `after` is not 0,
    /// when so many bytes or some more have been carried.
    void drop_at(const std::string& verb, std::uint64_t after = 0, const std::string& about = "");
    /// The same: nothing is answered, ever.
    void ignore(const std::string& verb, const std::string& about = "");
    /// The same: it is carried out behind `deed`, which is done on a thread of the server.
    void meanwhile(const std::string& verb, std::function<void()> deed, const std::string& about = "");
    /// The same of a STOR: `deed` is done when its last byte has come, before the end is told.
    void at_end_of_upload(std::function<void()> deed, const std::string& about = "");
    /// Whether every step has met its command.
    [[nodiscard]] bool script_done() const;

    /// From now on, besides the script, where the argument has `about` in it; no more where `reply` is empty.
    void always_answer(const std::string& verb, const std::string& reply, const std::string& about = "");
    /// From now on, what a name is stored, found and shown by MLST as.
    void change_names(std::function<std::string(const std::string&)> change);
    /// From now on names that differ in the case of ASCII letters alone are one: it has the spelling of
    /// whatever came first, by which MLST shows it.
    void take_case_for_one();
    /// From now on no file is replaced: a STOR goes to another name, a RNTO is refused.
    void keep_existing();
    /// So far ahead of this machine's are, from now on, the times that it tells.
    void put_clock_ahead(std::chrono::seconds ahead) { clock_ahead_s_ = ahead.count(); }
    /// What is said, from now on, at the end of a STOR in whose content `part` came, whole, in one piece.
    void refuse_content(const std::string& part, const std::string& reply);
    /// What is said, from now on, of a STOR that is to begin elsewhere than at the file's start.
    void refuse_restarts_with(const std::string& reply);
    /// What is said, instead of 426, when the client has cut a RETR off.
    void end_cut_transfers_with(const std::string& reply);

    /// How often the command has come.
    [[nodiscard]] std::size_t count(const std::string& verb) const;
    /// The bytes that came by STOR, whatever became of them.
    [[nodiscard]] std::uint64_t bytes_stored() const noexcept { return bytes_stored_; }
    /// What was said on control connections.
    [[nodiscard]] std::string log() const;

  private:
    class Connection;
    class Descriptor;
    enum class Act : std::uint8_t { answer, drop, ignore, carry_out, carry_out_before };
    struct Step {
        std::string verb;
        std::string about;
        Act act = Act::answer;
        std::string reply{};
        std::uint64_t after = 0;
        std::function<void()> deed{};
    };

    void run();
    [[nodiscard]] bool await(int descriptor, short events) const;
    void add(Step step);
    std::optional<Step> step_for(const std::string& verb, const std::string& argument);
    [[nodiscard]] std::string end_of_cut_transfer() const;
    [[nodiscard]] std::string refusal_of_restart() const;
    [[nodiscard]] std::string end_of_upload(bool has_part) const;
    [[nodiscard]] bool has_refused_part(std::string_view bytes) const;
    [[nodiscard]] std::string changed(const std::string& path) const;
    [[nodiscard]] bool takes_case_for_one() const;
    [[nodiscard]] bool keeps_existing() const;
    void note(const std::string& line);

    int ending_ = -1;  ///< Readable once it is to end.
    int listener_ = -1;
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;  ///< Over what follows, up to the log.
    std::deque<Step> steps_;
    std::map<std::pair<std::string, std::string>, std::string> always_;
    std::function<std::string(const std::string&)> change_of_names_;
    bool takes_case_for_one_ = false;
    bool keeps_existing_ = false;
    std::string refused_part_;
    std::string refusal_of_content_;
    std::string end_of_cut_transfer_ = "426 The transfer was cut off";
    std::string refusal_of_restart_;
    std::map<std::string, std::size_t> counts_;
    std::string log_;
    std::atomic<std::uint64_t> bytes_stored_{0};
    std::atomic<std::int64_t> clock_ahead_s_{0};
    std::vector<std::thread> connections_;
    std::thread thread_;
};

}  // namespace mistamover::test
