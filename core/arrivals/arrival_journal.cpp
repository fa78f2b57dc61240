// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrival_journal.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <set>
#include <stdexcept>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

#include "arrivals/handshake_files.hpp"
#include "files/rename_no_replace.hpp"

namespace mistamover::arrivals {
namespace {

// A name, which may hold a newline, and a control file's text.
constexpr std::size_t job_limit = handshake_file_limit + 512;

std::optional<ArrivalJournal::Number> number_of(const std::string& name) {
    ArrivalJournal::Number number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    return error == std::errc{} && *end == '.' ? std::optional(number) : std::nullopt;
}

std::string job_text(const std::string& control_file, const std::string& control_text) {
    return std::to_string(control_file.size()) + '\n' + control_file + control_text;
}

// False for a job that a crash left half written.
bool read_job(const std::string& text, ArrivalJournal::Job& job) {
    const std::size_t line = text.find('\n');
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + std::min(line, text.size()), length);
    if (line == std::string::npos || error != std::errc{} || line + 1 + length > text.size()) {
        return false;
    }
    job.control_file = text.substr(line + 1, length);
    job.control_text = text.substr(line + 1 + length);
    return parse_control(job.control_text).has_value();
}

}  // namespace

ArrivalJournal::ArrivalJournal(const Directory& incoming, const logging::Logger& log)
    : incoming_(incoming), log_(log), directory_(incoming, directory_name) {
    if (!directory_.is_private()) {
        throw std::runtime_error("the directory " + std::string(directory_name) +
                                 " in incoming.directory belongs to another user, or others may write to it");
    }
    // A file system that knows no such lock gets none.
    if (::flock(directory_.fd(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        throw std::runtime_error("another MiStaMover, with another run_dir, receives in incoming.directory");
    }
}

std::vector<ArrivalJournal::Job> ArrivalJournal::recover() {
    std::vector<Job> jobs;
    std::vector<std::string> halves;
    const std::vector<std::string> listing = directory_.names();
    const std::set<std::string> names(listing.begin(), listing.end());
    for (const std::string& name : names) {
        const std::optional<Number> number = number_of(name);
        if (!number) {
            continue;
        }
        next_ = std::max(next_, *number + 1);
        Job job;
        job.number = *number;
        // By the listing: a look can fail for other reasons, and data that is not here counts as delivered.
        job.has_data = names.contains(data_file(*number));
        const std::optional<std::string> text = read(job_file(*number), job_limit);
        const std::optional<std::string> receipt = read(receipt_file(*number), handshake_file_limit);
        if (receipt && parse_receipt(*receipt)) {
            job.receipt = receipt;
        } else {
            directory_.remove(receipt_file(*number));
        }
        if (!text || !read_job(*text, job) || (!job.has_data && !job.receipt)) {
            halves.push_back(name);
        } else if (name == job_file(*number)) {
            jobs.push_back(std::move(job));
        }
    }
    forget_halves(halves);
    std::sort(jobs.begin(), jobs.end(), [](const Job& a, const Job& b) { return a.number < b.number; });
    return jobs;
}

// Nothing where it is not there, or counts as damaged: the receipt of a file that was delivered is its proof.
std::optional<std::string> ArrivalJournal::read(const std::string& name, std::size_t limit) const {
    const Directory::SmallFile file = directory_.open_small(name, limit);
    if (file.passing_error != 0) {
        throw std::system_error(file.passing_error, std::generic_category(), directory_.path() + '/' + name);
    }
    return file.text;
}

void ArrivalJournal::forget_halves(const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
        if (directory_.remove(name) && name == data_file(*number_of(name))) {
            log_.warning(
                "a file that was being received in a power failure is removed: its sender has no receipt");
        }
    }
}

std::optional<ArrivalJournal::Number> ArrivalJournal::begin(const std::string& control_file,
                                                            const std::string& control_text) {
    const Number number = next_++;
    return directory_.write(job_file(number), job_text(control_file, control_text)) ? std::optional(number)
                                                                                    : std::nullopt;
}

int ArrivalJournal::take_data(Number job, const std::string& data_name) const {
    return ::renameat(incoming_.fd(), data_name.c_str(), directory_.fd(), data_file(job).c_str()) == 0
               ? 0
               : errno;
}

std::optional<FileIdentity> ArrivalJournal::look_at_data(Number job) const {
    return directory_.look(data_file(job));
}

int ArrivalJournal::move_data(Number job, const Directory& to, const std::string& name) const {
    return files::rename_no_replace({directory_.fd(), data_file(job)}, {to.fd(), name});
}

int ArrivalJournal::exchange_data(Number job, const Directory& with, const std::string& name) const {
    return ::renameat2(directory_.fd(), data_file(job).c_str(), with.fd(), name.c_str(), RENAME_EXCHANGE) == 0
               ? 0
               : errno;
}

int ArrivalJournal::move_data_over(Number job, const Directory& to, const std::string& name) const {
    return ::renameat(directory_.fd(), data_file(job).c_str(), to.fd(), name.c_str()) == 0 ? 0 : errno;
}

void ArrivalJournal::drop_data(Number job) const {
    directory_.remove(data_file(job));
}

int ArrivalJournal::write_receipt(Number job, const std::string& text) const {
    return directory_.write(receipt_file(job), text) ? 0 : errno;
}

int ArrivalJournal::pass_receipt(Number from, Number to) const {
    const int fd = directory_.fd();
    return ::renameat(fd, receipt_file(from).c_str(), fd, receipt_file(to).c_str()) == 0 ? 0 : errno;
}

int ArrivalJournal::publish_receipt(Number job, const std::string& name, bool replace) const {
    if (!replace) {
        return files::rename_no_replace({directory_.fd(), receipt_file(job)}, {incoming_.fd(), name});
    }
    return ::renameat(directory_.fd(), receipt_file(job).c_str(), incoming_.fd(), name.c_str()) == 0 ? 0
                                                                                                     : errno;
}

void ArrivalJournal::end(Number job, bool has_receipt) const {
    if (has_receipt) {
        directory_.remove(receipt_file(job));
    }
    directory_.remove(job_file(job));
}

}  // namespace mistamover::arrivals
