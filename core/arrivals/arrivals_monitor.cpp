// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrivals_monitor.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>

#include "arrivals/checksum_form.hpp"

namespace mistamover::arrivals {
namespace {

using namespace std::chrono_literals;

constexpr auto unreadable_patience = 10s;

std::string text_of(int error) {
    return std::generic_category().message(error);
}

}  // namespace

ArrivalsMonitor::ArrivalsMonitor(const config::StreamSettings& settings, logging::Logger log,
                                 ChecksumPool& pool)
    : settings_(settings),
      extensions_{settings.incoming.control_file_extension, settings.incoming.receipt_file_extension,
                  settings.incoming.thankyou_file_extension},
      log_(std::move(log)),
      pool_(pool),
      incoming_(settings.incoming.directory),
      data_(settings.directory),
      journal_(incoming_),
      receipts_(incoming_, journal_, extensions_, log_) {
    if (incoming_.device() != data_.device()) {
        throw std::runtime_error("incoming.directory " + settings.incoming.directory.string() +
                                 " and data_stream.directory " + settings.directory.string() +
                                 " are not on one file system");
    }
}

void ArrivalsMonitor::note_error(const std::string& text) {
    log_.error(text);
    last_error_ = text;
    last_error_time_ = std::time(nullptr);
}

void ArrivalsMonitor::recover(Clock::time_point now) {
    for (const ArrivalJournal::Job& job : journal_.recover()) {
        Arrival arrival;
        arrival.control_file = job.control_file;
        arrival.control_text = job.control_text;
        arrival.control = *parse_control(job.control_text);
        arrival.last_growth = now;
        arrival.job = job.number;
        arrival.has_data = job.has_data;
        if (job.receipt) {
            arrival.receipt = parse_receipt(*job.receipt);
            arrival.receipt_written = true;
            arrival.state = State::answering;
        }
        if (arrivals_.contains(job.control_file) || !names_are_allowed(arrival.control)) {
            discard(arrival);  // of two attempts at one file one answer is enough
            continue;
        }
        const auto found = arrivals_.emplace(job.control_file, std::move(arrival)).first;
        jobs_[job.number] = job.control_file;
        if (job.receipt) {
            carry_out(found->second);
        } else {
            compute(found->second);
        }
    }
}

void ArrivalsMonitor::scan(Clock::time_point now) {
    for (const std::string& name : incoming_.names()) {
        changed(name, now);
    }
}

void ArrivalsMonitor::changed(const std::string& name, Clock::time_point now) {
    if (has_extension(name, extensions_.control)) {
        look_at_control(name, now);
        return;
    }
    if (has_extension(name, extensions_.thankyou)) {
        thank(name);
        return;
    }
    const auto [first, last] = by_data_.equal_range(name);
    std::vector<std::string> waiting;
    std::transform(first, last, std::back_inserter(waiting), [](const auto& entry) { return entry.second; });
    for (const std::string& control_file : waiting) {
        look_at_data(arrivals_.at(control_file), now);
    }
}

void ArrivalsMonitor::look_at_control(const std::string& name, Clock::time_point now) {
    const std::optional<FileIdentity> identity = incoming_.look(name);
    const auto known = arrivals_.find(name);
    if (!identity) {
        unreadable_.erase(name);
        if (known != arrivals_.end() && known->second.state == State::waiting) {
            finish(known->second);  // its sender has taken it back
        }
        return;
    }
    if (known != arrivals_.end()) {
        if (known->second.control_identity != identity) {
            supersede(known->second);
        }
        return;
    }
    Arrival arrival;
    if (!take_control(name, *identity, arrival)) {
        return;
    }
    arrival.last_growth = now;
    Arrival& kept = arrivals_.emplace(name, std::move(arrival)).first->second;
    by_data_.emplace(kept.control.data_name, name);
    look_at_data(kept, now);
}

// A sender that gave up waiting has sent data and control file again.
void ArrivalsMonitor::supersede(Arrival& arrival) {
    const std::string name = arrival.control_file;
    if (arrival.state != State::waiting && arrival.state != State::held) {
        return;  // finish() finds it
    }
    const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
    if (text == arrival.control_text) {
        arrival.control_identity = incoming_.look(name);
        return;
    }
    discard(arrival);
    finish(arrival);
}

// Without an answer: its sender still has the file.
void ArrivalsMonitor::discard(const Arrival& arrival) {
    if (arrival.job) {
        journal_.drop_data(*arrival.job);
        journal_.end(*arrival.job);
    }
}

bool ArrivalsMonitor::take_control(const std::string& name, const FileIdentity& identity, Arrival& arrival) {
    const std::optional<std::string> text = incoming_.read_small(name, handshake_file_limit);
    const std::optional<Control> control = text ? parse_control(*text) : std::nullopt;
    if (!control) {
        unreadable(name, identity);
        return false;
    }
    unreadable_.erase(name);
    if (!names_are_allowed(*control)) {
        note_error("control file " + name + " is refused and deleted: it names files that are not its own");
        incoming_.remove(name);
        return false;
    }
    arrival.control_file = name;
    arrival.control_text = *text;
    arrival.control_identity = identity;
    arrival.control = *control;
    return true;
}

void ArrivalsMonitor::unreadable(const std::string& name, const FileIdentity& identity) {
    if (immovable_.contains(name)) {
        return;
    }
    if (age_of(identity) < unreadable_patience) {
        unreadable_.insert(name);
        return;
    }
    unreadable_.erase(name);
    note_error("handshake file " + name + " cannot be read and is deleted");
    if (!incoming_.remove(name)) {
        immovable_.insert(name);
    }
}

bool ArrivalsMonitor::names_are_allowed(const Control& control) const {
    const bool is_quarantine = settings_.outgoing.quarantine_dir.lexically_normal() ==
                               (settings_.directory / control.data_name).lexically_normal();
    return is_data_name(control.data_name) && !is_quarantine &&
           control.receipt_name != ArrivalJournal::directory_name &&
           is_answer_name(control.receipt_name, settings_.incoming.stop_file, extensions_.control,
                          extensions_.thankyou);
}

void ArrivalsMonitor::look_at_data(Arrival& arrival, Clock::time_point now) {
    if (arrival.state != State::waiting) {
        return;
    }
    const std::optional<FileIdentity> seen = incoming_.look(arrival.control.data_name);
    const DataSeen data{seen.has_value(), seen && seen->is_file, seen ? seen->size : 0};
    if (data.size > arrival.last_size) {
        arrival.last_growth = now;
    }
    arrival.last_size = data.size;
    const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(now - arrival.last_growth);
    const Decision decision = decide_by_size(arrival.control, data, quiet, settings_.incoming.data_grace);
    if (decision.step == Step::compute) {
        take_data(arrival, now);
    } else if (decision.step == Step::answer) {
        if (decision.status != ReceiptStatus::bad_size && is_arriving(arrival)) {
            return;
        }
        const bool told = decision.status == ReceiptStatus::bad_size;
        answer(arrival, decision.status, told ? std::optional(data.size) : std::nullopt, "");
    }
}

// A sender's temporary file, ".NAME.random", that has been written to within the grace.
bool ArrivalsMonitor::is_arriving(const Arrival& arrival) const {
    const std::string prefix = '.' + arrival.control.data_name + '.';
    const std::vector<std::string> names = incoming_.names();
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        if (!name.starts_with(prefix) || has_extension(name, extensions_.control) ||
            has_extension(name, extensions_.receipt) || has_extension(name, extensions_.thankyou)) {
            return false;
        }
        const std::optional<FileIdentity> file = incoming_.look(name);
        return file && file->is_file && age_of(*file) < settings_.incoming.data_grace;
    });
}

void ArrivalsMonitor::take_data(Arrival& arrival, Clock::time_point now) {
    const auto job = journal_.begin(arrival.control_file, arrival.control_text);
    if (!job) {
        return;  // no space: the next tick tries again
    }
    if (!journal_.take_data(*job, arrival.control.data_name)) {
        journal_.end(*job);
        return;
    }
    const std::optional<FileIdentity> data = journal_.look_at_data(*job);
    if (!data || !data->is_file || data->size != arrival.control.size) {
        // Another file took the name at this very moment: it goes back, unless there is a newer one yet.
        const int error = journal_.move_data(*job, incoming_, arrival.control.data_name);
        if (error == EEXIST) {
            journal_.drop_data(*job);
        } else if (error != 0) {
            note_error(arrival.control.data_name + " cannot be given its name back: " + text_of(error));
        }
        journal_.end(*job);
        arrival.last_growth = now;
        return;
    }
    arrival.job = job;
    arrival.has_data = true;
    jobs_[*job] = arrival.control_file;
    compute(arrival);
}

void ArrivalsMonitor::compute(Arrival& arrival) {
    arrival.state = State::computing;
    arrival.data = journal_.look_at_data(*arrival.job).value_or(FileIdentity{});
    pool_.add({*arrival.job, journal_.directory().fd(), ArrivalJournal::data_file(*arrival.job),
               std::string(algorithm_of(arrival.control.checksum))});
}

void ArrivalsMonitor::take_results() {
    for (const ChecksumPool::Result& result : pool_.results()) {
        const auto job = jobs_.find(result.id);
        const auto found = job == jobs_.end() ? arrivals_.end() : arrivals_.find(job->second);
        if (found == arrivals_.end()) {
            continue;
        }
        if (found->second.state == State::computing) {
            computed(found->second, result.digest);
        } else if (found->second.state == State::comparing) {
            compared(found->second, result.digest);
        }
    }
}

void ArrivalsMonitor::computed(Arrival& arrival, const std::optional<std::string>& digest) {
    const std::optional<FileIdentity> data = journal_.look_at_data(*arrival.job);
    if (data && *data != arrival.data && data->is_file) {
        compute(arrival);  // somebody has it open and writes on
        return;
    }
    std::optional<std::string> checksum;
    if (digest && data) {
        checksum = checksum_on_wire(algorithm_of(arrival.control.checksum), *digest);
    }
    ReceiptStatus status = decide_by_checksum(arrival.control, checksum);
    if (status != ReceiptStatus::io_error && data->size != arrival.control.size) {
        status = ReceiptStatus::bad_size;
    }
    const bool with_checksum = status == ReceiptStatus::success || status == ReceiptStatus::bad_checksum;
    answer(arrival, status, checksum ? std::optional(data->size) : std::nullopt,
           with_checksum ? *checksum : "");
}

void ArrivalsMonitor::answer(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size,
                             const std::string& checksum) {
    if (!arrival.job) {
        arrival.job = journal_.begin(arrival.control_file, arrival.control_text);
        if (!arrival.job) {
            return;  // no space: the next tick tries again
        }
        jobs_[*arrival.job] = arrival.control_file;
    }
    if (status != ReceiptStatus::success) {
        note_error(arrival.control.data_name + " is refused: " + std::string(to_string(status)));
    }
    arrival.state = State::answering;
    arrival.receipt = Receipt{
        arrival.control.data_name, status, size, checksum,
        stamped_name(arrival.control.data_name, std::chrono::system_clock::now(), extensions_.thankyou)};
    carry_out(arrival);
}

void ArrivalsMonitor::carry_out(Arrival& arrival) {
    if (!arrival.receipt_written) {
        arrival.receipt_written = journal_.write_receipt(*arrival.job, to_text(*arrival.receipt));
    }
    if (!arrival.receipt_written) {
        return;
    }
    if (arrival.receipt->status == ReceiptStatus::success) {
        if (arrival.has_data && !deliver(arrival)) {
            return;
        }
    } else if (arrival.has_data) {
        journal_.drop_data(*arrival.job);
    } else {
        incoming_.remove(arrival.control.data_name);
    }
    finish(arrival);
}

// False where it is held.
bool ArrivalsMonitor::deliver(Arrival& arrival) {
    const int error = journal_.move_data(*arrival.job, data_, arrival.control.data_name);
    if (error == 0) {
        ++accepted_files_;
        accepted_bytes_ += arrival.control.size;
        log_.info("accepted " + arrival.control.data_name + " (" + std::to_string(arrival.control.size) +
                  " bytes)");
        return true;
    }
    if (error != EEXIST) {
        if (arrival.state != State::held) {
            note_error(arrival.control.data_name +
                       " cannot be moved to the stream's directory: " + text_of(error));
        }
        arrival.state = State::held;
        return false;
    }
    hold(arrival);
    return false;
}

void ArrivalsMonitor::hold(Arrival& arrival) {
    const std::optional<FileIdentity> taken = data_.look(arrival.control.data_name);
    if (taken && taken != arrival.compared && taken->is_file && taken->size == arrival.control.size) {
        arrival.state = State::comparing;
        arrival.compared = taken;
        pool_.add({*arrival.job, data_.fd(), arrival.control.data_name,
                   std::string(algorithm_of(arrival.control.checksum))});
        return;
    }
    if (arrival.state != State::held) {
        log_.warning(arrival.control.data_name + " is held until its name in the stream's directory is free");
    }
    arrival.state = State::held;
}

// The very same file sent again, because its sender saw no receipt, is accepted again.
void ArrivalsMonitor::compared(Arrival& arrival, const std::optional<std::string>& digest) {
    const bool is_same =
        digest && data_.look(arrival.control.data_name) == arrival.compared &&
        checksum_on_wire(algorithm_of(arrival.control.checksum), *digest) == arrival.control.checksum;
    if (!is_same) {
        arrival.state = State::answering;
        carry_out(arrival);
        return;
    }
    log_.info("accepted " + arrival.control.data_name + " again: it is there already");
    journal_.drop_data(*arrival.job);
    finish(arrival);
}

// Ends a job and its control file, and looks at the one that has come instead, if one has.
void ArrivalsMonitor::finish(const Arrival& arrival) {
    const std::string name = arrival.control_file;
    if (incoming_.read_small(name, handshake_file_limit) == arrival.control_text && arrival.receipt) {
        incoming_.remove(name);
    }
    if (arrival.receipt && arrival.receipt_written) {
        publish(arrival);
    }
    if (arrival.job) {
        journal_.end(*arrival.job);
        jobs_.erase(*arrival.job);
    }
    const auto [first, last] = by_data_.equal_range(arrival.control.data_name);
    const auto own = std::find_if(first, last, [&](const auto& entry) { return entry.second == name; });
    if (own != last) {
        by_data_.erase(own);
    }
    arrivals_.erase(name);
    if (incoming_.look(name)) {
        unreadable_.insert(name);  // the next tick looks at it
    }
}

void ArrivalsMonitor::publish(const Arrival& arrival) {
    const std::string& name = arrival.control.receipt_name;
    if (settings_.incoming.legacy_sender && arrival.receipt->status != ReceiptStatus::success) {
        return;  // such a sender would take any receipt for success
    }
    const int error = receipts_.publish(*arrival.job, name);
    if (error != 0 && error != ENOENT) {
        note_error("receipt " + name + " for " + arrival.control.data_name +
                   " cannot be written: " + text_of(error));
    }
}

void ArrivalsMonitor::thank(const std::string& name) {
    const std::optional<FileIdentity> identity = incoming_.look(name);
    if (!identity) {
        unreadable_.erase(name);
        return;
    }
    const Receipts::Thanks thanks = receipts_.thank(name);
    if (thanks == Receipts::Thanks::unreadable) {
        unreadable(name, *identity);
        return;
    }
    unreadable_.erase(name);
    if (thanks == Receipts::Thanks::refused) {
        note_error("thank-you file " + name + " is refused and deleted: it names a file that is not its own");
    }
}

void ArrivalsMonitor::tick(Clock::time_point now) {
    std::vector<std::string> names(unreadable_.begin(), unreadable_.end());
    for (const std::string& name : names) {
        changed(name, now);
    }
    names.clear();
    for (const auto& [name, arrival] : arrivals_) {
        if (arrival.state != State::computing && arrival.state != State::comparing) {
            names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        const auto found = arrivals_.find(name);
        if (found == arrivals_.end()) {
            continue;
        }
        if (found->second.state == State::waiting) {
            look_at_data(found->second, now);
        } else {
            carry_out(found->second);
        }
    }
}

void ArrivalsMonitor::remove_old_receipts() {
    receipts_.remove_older_than(settings_.incoming.receipt_max_age);
}

bool ArrivalsMonitor::waits() const {
    return !unreadable_.empty() || std::any_of(arrivals_.begin(), arrivals_.end(), [](const auto& entry) {
        return entry.second.state != State::computing && entry.second.state != State::comparing;
    });
}

bool ArrivalsMonitor::only_held() const {
    return unreadable_.empty() && std::all_of(arrivals_.begin(), arrivals_.end(), [](const auto& entry) {
               return entry.second.state == State::held;
           });
}

std::vector<ArrivalsMonitor::Left> ArrivalsMonitor::left() const {
    std::vector<Left> left;
    for (const auto& [name, arrival] : arrivals_) {
        left.push_back({arrival.control.data_name, arrival.state == State::held
                                                       ? "its name in the stream's directory is taken"
                                                       : "it has not arrived completely"});
    }
    return left;
}

}  // namespace mistamover::arrivals
