// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "logging/log_file.hpp"
#include "logging/log_format.hpp"
#include "logging/log_message.hpp"

namespace mistamover::logging {

/// Whether <name>.log may be made of it: 1 to 200 bytes, no '/', no control character, no dot in front.
bool is_usable_log_name(std::string_view name) noexcept;

/// Why no log can be written in this directory: "FILE: reason"; empty where it can. Makes what is not there.
/// A full disk is no reason, for that passes by.
std::string why_unusable(const std::filesystem::path& base_log_dir);

/// Writes records to the files under base_log_dir. A record whose own file cannot be used (its name, a
/// directory in its place, permissions) goes to mistamover_ctl.log with its log's name in front, and the
/// reason is noted there, once. For one thread.
class LogWriter {
  public:
    explicit LogWriter(config::LoggingSettings settings);

    struct Progress {
        std::size_t written = 0;     ///< So many records, from the first on, are in their files.
        int error = 0;               ///< Why the next is not, as errno; 0: all are written.
        std::filesystem::path file;  ///< The one that could not be written.
    };
    /// On failure nothing of the first record that was not written is in any file.
    Progress write(std::span<const Record> records);

    /// A record of the log server's own for mistamover_ctl.log. Kept until write_notes; of more than 100 the
    /// oldest go.
    void note(LogLevel level, std::string text);
    /// Writes what was noted; what does not go in now stays.
    void write_notes();

    /// Opens every file by its name again when it is next written.
    void reopen() noexcept { files_.clear(); }
    void change_settings(config::LoggingSettings settings);

  private:
    struct Note {
        LogLevel level;
        std::int64_t time_ms;
        std::string text;
    };
    LogFile& file_of(std::string_view log_name);
    Progress write_run(std::span<const Record> records);
    Progress write_to_controller_log(const Record& record, const std::string& reason);
    int prepare(LogFile& file, std::size_t line);
    void note_rotation_failure(const LogFile& file);

    config::LoggingSettings settings_;
    LineFormatter formatter_;
    std::map<std::string, LogFile, std::less<>> files_;
    std::set<std::string, std::less<>> failing_;  ///< What a note was made of and still holds.
    std::deque<Note> notes_;
    std::string lines_;  ///< Kept for their capacity.
    std::string line_;
};

}  // namespace mistamover::logging
