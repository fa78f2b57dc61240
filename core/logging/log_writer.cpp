// SPDX-License-Identifier: BSD-3-Clause
#include "logging/log_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace mistamover::logging {
namespace {

constexpr std::size_t max_notes = 100;

/// As opposed to what befalls every file, like a full disk, and passes by.
bool concerns_one_file(int error) {
    return error == EACCES || error == EPERM || error == EISDIR || error == ENXIO || error == ELOOP ||
           error == ENAMETOOLONG;
}

std::filesystem::path path_of_log(const std::filesystem::path& base_log_dir, std::string_view log_name) {
    return base_log_dir / (std::string(log_name) + ".log");
}

std::string rotation_key(const LogFile& file) {
    return "rotation of " + file.path().string();
}

}  // namespace

bool is_usable_log_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 200 && name.front() != '.' &&
           std::none_of(name.begin(), name.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return c == '/' || byte < 0x20 || byte == 0x7F;
           });
}

std::string why_unusable(const std::filesystem::path& base_log_dir) {
    LogFile file(path_of_log(base_log_dir, controller_log));
    const int error = file.try_out();
    return error == 0 || error == ENOSPC || error == EDQUOT
               ? ""
               : file.path().string() + ": " + std::generic_category().message(error);
}

LogWriter::LogWriter(config::LoggingSettings settings)
    : settings_(std::move(settings)), formatter_(settings_.json) {}

void LogWriter::change_settings(config::LoggingSettings settings) {
    settings_ = std::move(settings);
    formatter_ = LineFormatter(settings_.json);
    reopen();
}

LogFile& LogWriter::file_of(std::string_view log_name) {
    auto found = files_.find(log_name);
    if (found == files_.end()) {
        found =
            files_.try_emplace(std::string(log_name), path_of_log(settings_.base_log_dir, log_name)).first;
    }
    return found->second;
}

int LogWriter::prepare(LogFile& file, std::size_t line) {
    const LogFile::Rotation rotation{settings_.max_size.bytes, settings_.keep};
    int error = file.prepare(rotation, line);
    if (error == EMFILE || error == ENFILE) {
        for (auto& [name, other] : files_) {
            other.close();
        }
        error = file.prepare(rotation, line);
    }
    note_rotation_failure(file);
    return error;
}

void LogWriter::note_rotation_failure(const LogFile& file) {
    if (file.rotation_error() == 0) {
        if (!failing_.empty()) {
            failing_.erase(rotation_key(file));
        }
        return;
    }
    if (failing_.insert(rotation_key(file)).second) {
        note(LogLevel::error, file.path().string() + " cannot be rotated (" +
                                  std::generic_category().message(file.rotation_error()) +
                                  ") and grows beyond logging.max_size");
    }
}

LogWriter::Progress LogWriter::write(std::span<const Record> records) {
    Progress progress;
    while (progress.written < records.size()) {
        const std::span<const Record> left = records.subspan(progress.written);
        Progress step;
        if (is_usable_log_name(left.front().log_name)) {
            step = write_run(left);
        } else {
            step = write_to_controller_log(left.front(), "this is not usable as the name of a log");
        }
        progress.written += step.written;
        if (step.error != 0) {
            progress.error = step.error;
            progress.file = step.file;
            break;
        }
    }
    return progress;
}

/// Writes, in one go, as many of the records as are for one file and fit into it.
LogWriter::Progress LogWriter::write_run(std::span<const Record> records) {
    const std::string_view log_name = records.front().log_name;
    lines_.clear();
    formatter_.append_line(lines_, records.front());
    LogFile& file = file_of(log_name);
    int error = prepare(file, lines_.size());
    std::size_t count = 1;
    if (error == 0) {
        for (; count < records.size() && records[count].log_name == log_name; ++count) {
            line_.clear();
            formatter_.append_line(line_, records[count]);
            if (lines_.size() + line_.size() > file.room()) {
                break;
            }
            lines_.append(line_);
        }
        error = file.append(lines_);
    }
    if (error == 0) {
        if (const auto mended = failing_.find(log_name); mended != failing_.end()) {
            failing_.erase(mended);
        }
        return {count, 0, {}};
    }
    if (concerns_one_file(error) && log_name != controller_log) {
        return write_to_controller_log(records.front(), file.path().string() + " cannot be written (" +
                                                            std::generic_category().message(error) + ')');
    }
    return {0, error, file.path()};
}

LogWriter::Progress LogWriter::write_to_controller_log(const Record& record, const std::string& reason) {
    std::string text(record.log_name);
    text.append(": ").append(record.text);
    const Record moved{controller_log, record.level, record.time_ms, text};
    Progress progress = write_run({&moved, 1});
    if (progress.error == 0 && failing_.emplace(record.log_name).second) {
        note(LogLevel::error, "log \"" + std::string(record.log_name) + "\": " + reason +
                                  "; its records are written here until that is mended");
    }
    return progress;
}

void LogWriter::note(LogLevel level, std::string text) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    notes_.push_back(
        {level, std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), std::move(text)});
    if (notes_.size() > max_notes) {
        notes_.pop_front();
    }
}

void LogWriter::write_notes() {
    while (!notes_.empty()) {
        Note note = std::move(notes_.front());
        notes_.pop_front();
        const Record record{controller_log, note.level, note.time_ms, note.text};
        if (write({&record, 1}).error != 0) {
            notes_.push_front(std::move(note));
            return;
        }
    }
}

}  // namespace mistamover::logging
