// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrivals_monitor.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "arrivals/receiver_decision.hpp"
#include "config/combinations.hpp"

namespace mistamover::arrivals {
namespace {

using namespace std::chrono_literals;

constexpr auto unreadable_patience = 10s;
constexpr int enough_tries = 20;  // until it is taken for lasting

// Nobody tells when it can go on.
bool is_looked_at(Arrival::State state) {
    return state == Arrival::State::waiting || state == Arrival::State::answering ||
           state == Arrival::State::held;
}

// Without somebody's help it may never go on.
bool is_stuck(const Arrival& arrival) {
    return arrival.state == Arrival::State::held || (is_looked_at(arrival.state) && !arrival.trouble.empty());
}

std::string reason_of(const Arrival& arrival) {
    if (!arrival.trouble.empty()) {
        return "it " + arrival.trouble;
    }
    return arrival.state == Arrival::State::held ? "its name in the stream's directory is taken"
                                                 : "it has not arrived completely";
}

// What has been checked is renamed from one to the other.
void check_one_file_system(const Directory& incoming, const Directory& data, const std::string& what) {
    if (incoming.device() != data.device()) {
        throw std::runtime_error(what + " are not on one file system");
    }
    if (incoming.mount() && data.mount() && incoming.mount() != data.mount()) {
        throw std::runtime_error(what +
                                 " are on one file system, but reached by two mounts of it, as a bind "
                                 "mount is one: no file can be renamed from one to the other");
    }
}

}  // namespace

ArrivalsMonitor::ArrivalsMonitor(const config::StreamSettings& settings, const logging::Logger& log,
                                 std::function<void()> on_result)
    : settings_(settings),
      extensions_{settings.incoming.control_file_extension, settings.incoming.receipt_file_extension,
                  settings.incoming.thankyou_file_extension},
      last_error_(log),
      incoming_(settings.incoming.directory),
      data_(settings.directory),
      answers_(
          settings.incoming, log, last_error_, incoming_, data_,
          [this](const Control& control) { return names_are_allowed(control); }, std::move(on_result)) {
    check_one_file_system(incoming_, data_,
                          "incoming.directory " + settings.incoming.directory.string() +
                              " and data_stream.directory " + settings.directory.string());
}

void ArrivalsMonitor::recover(Clock::time_point now) {
    for (const ArrivalJournal::Job& job : answers_.recover()) {
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
        }
        if (arrivals_.contains(job.control_file) || !names_are_allowed(arrival.control)) {
            answers_.discard(arrival);  // of two attempts at one file one answer is enough
            continue;
        }
        Arrival& kept = arrivals_.emplace(job.control_file, std::move(arrival)).first->second;
        answers_.resume(kept);
        forget_if_answered(kept);
    }
    answers_.hand_over();
}

void ArrivalsMonitor::scan(Clock::time_point now) {
    look_at(incoming_.names(), now);
}

void ArrivalsMonitor::changed(const std::vector<std::string>& names, Clock::time_point now) {
    look_at(names, now);
}

void ArrivalsMonitor::look_at(const std::vector<std::string>& names, Clock::time_point now) {
    dot_files_.clear();
    constexpr std::size_t a_few = 100;
    std::size_t looked_at = 0;
    for (const std::string& name : names) {
        look_at(name, now);
        if (++looked_at % a_few == 0) {
            take_results();  // what is ready does not wait for all that is new
        }
    }
    answers_.hand_over();
}

void ArrivalsMonitor::look_at(const std::string& name, Clock::time_point now) {
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
        const auto found = arrivals_.find(control_file);  // the one before may have had the data
        if (found != arrivals_.end()) {
            look_at_data(found->second, now);
        }
    }
}

void ArrivalsMonitor::look_at_control(const std::string& name, Clock::time_point now) {
    if (const auto known = arrivals_.find(name); known != arrivals_.end()) {
        look_again(known->second);
        return;
    }
    Arrival arrival;
    if (!take_control(name, arrival)) {
        return;
    }
    arrival.last_growth = now;
    Arrival& kept = arrivals_.emplace(name, std::move(arrival)).first->second;
    by_data_.emplace(kept.control.data_name, name);
    look_at_data(kept, now);
}

void ArrivalsMonitor::look_again(Arrival& arrival) {
    const std::optional<FileIdentity> identity = incoming_.look(arrival.control_file);
    if (identity && identity != arrival.control_identity) {
        supersede(arrival);
    } else if (!identity && arrival.state == Arrival::State::waiting) {
        forget(arrival);  // its sender has taken it back
    }
}

// A sender that gave up waiting has sent data and control file again.
void ArrivalsMonitor::supersede(Arrival& arrival) {
    const std::string name = arrival.control_file;
    if (arrival.state != Arrival::State::waiting && arrival.state != Arrival::State::held) {
        return;  // looked at once this one is answered
    }
    const Directory::SmallFile file = incoming_.open_small(name, handshake_file_limit);
    if (file.passing_error != 0) {
        return;  // it may still be the same
    }
    if (file.text == arrival.control_text) {
        arrival.control_identity = incoming_.look(name);
        return;
    }
    answers_.discard(arrival);
    forget(arrival);
}

bool ArrivalsMonitor::take_control(const std::string& name, Arrival& arrival) {
    const Directory::SmallFile file = incoming_.open_small(name, handshake_file_limit);
    const std::optional<Control> control = file.text ? parse_control(*file.text) : std::nullopt;
    if (!control) {
        unreadable(name, file);
        return false;
    }
    unreadable_.erase(name);
    if (!names_are_allowed(*control)) {
        last_error_.note("control file " + name +
                         " is refused and deleted: it names files that are not its own");
        incoming_.remove(name);
        return false;
    }
    arrival.control_file = name;
    arrival.control_text = *file.text;
    arrival.control_identity = file.identity;
    arrival.control = *control;
    return true;
}

void ArrivalsMonitor::unreadable(const std::string& name, const Directory::SmallFile& file) {
    if (file.passing_error != 0) {
        unreadable_[name] = file.passing_error;
        return;
    }
    if (!file.identity) {
        unreadable_.erase(name);
        immovable_.erase(name);
        return;
    }
    if (immovable_.contains(name)) {
        unreadable_.erase(name);
        return;
    }
    if (age_of(*file.identity) < unreadable_patience) {
        unreadable_[name] = 0;
        return;
    }
    unreadable_.erase(name);
    last_error_.note("handshake file " + name + " cannot be read and is deleted");
    if (!incoming_.remove(name)) {
        immovable_.insert(name);
    }
}

bool ArrivalsMonitor::names_are_allowed(const Control& control) const {
    const bool is_quarantine = config::normal_path(settings_.outgoing.quarantine_dir) ==
                               config::normal_path(settings_.directory / control.data_name);
    return is_data_name(control.data_name) && !is_quarantine &&
           control.receipt_name != ArrivalJournal::directory_name &&
           is_answer_name(control.receipt_name, settings_.incoming.stop_file, extensions_.control,
                          extensions_.thankyou);
}

void ArrivalsMonitor::look_at_data(Arrival& arrival, Clock::time_point now) {
    if (arrival.state != Arrival::State::waiting) {
        return;
    }
    arrival.trouble.clear();
    const std::optional<FileIdentity> seen = incoming_.look(arrival.control.data_name);
    const DataSeen data{seen.has_value(), seen && seen->is_file, seen ? seen->size : 0};
    if (data.size > arrival.last_size) {
        arrival.last_growth = now;
    }
    arrival.last_size = data.size;
    const auto quiet = std::chrono::duration_cast<std::chrono::milliseconds>(now - arrival.last_growth);
    const Decision decision = decide_by_size(arrival.control, data, quiet, settings_.incoming.data_grace);
    if (decision.step == Step::compute) {
        arrival.last_growth = now;  // should another file have taken the name meanwhile
        answers_.take(arrival);
    } else if (decision.step == Step::answer) {
        const bool may_come = !data.there || (data.is_file && data.size < arrival.control.size);
        if (may_come && is_arriving(arrival)) {
            arrival.last_growth = now;  // nor is the directory read again before that time is over
            return;
        }
        const bool told = decision.status == ReceiptStatus::bad_size;
        answers_.refuse(arrival, decision.status, told ? std::optional(data.size) : std::nullopt);
    }
    forget_if_answered(arrival);
}

// A sender's temporary file, ".NAME.random", that has been written to within the grace. The directory is read
// once for all that ask in one look.
bool ArrivalsMonitor::is_arriving(const Arrival& arrival) {
    if (dot_files_.empty()) {
        for (std::string& name : incoming_.names()) {
            if (name.front() == '.') {
                dot_files_.insert(std::move(name));
            }
        }
    }
    const std::string prefix = '.' + arrival.control.data_name + '.';
    for (auto name = dot_files_.lower_bound(prefix); name != dot_files_.end() && name->starts_with(prefix);
         ++name) {
        if (has_extension(*name, extensions_.control) || has_extension(*name, extensions_.receipt) ||
            has_extension(*name, extensions_.thankyou)) {
            continue;
        }
        const std::optional<FileIdentity> file = incoming_.look(*name);
        if (file && file->is_file && age_of(*file) < settings_.incoming.data_grace) {
            return true;
        }
    }
    return false;
}

void ArrivalsMonitor::take_results() {
    for (Arrival* arrival : answers_.take_results()) {
        forget_if_answered(*arrival);
    }
    answers_.hand_over();
}

void ArrivalsMonitor::forget_if_answered(Arrival& arrival) {
    if (arrival.state == Arrival::State::answered) {
        forget(arrival);
    }
}

// And looks at the control file that has come instead, if one has.
void ArrivalsMonitor::forget(const Arrival& arrival) {
    const std::string name = arrival.control_file;
    const bool may_be_there = !arrival.control_removed;
    const auto [first, last] = by_data_.equal_range(arrival.control.data_name);
    const auto own = std::find_if(first, last, [&](const auto& entry) { return entry.second == name; });
    if (own != last) {
        by_data_.erase(own);
    }
    arrivals_.erase(name);
    if (may_be_there && incoming_.look(name)) {
        unreadable_[name] = 0;  // the next tick looks at it
    }
}

void ArrivalsMonitor::thank(const std::string& name) {
    const Directory::SmallFile file = incoming_.open_small(name, handshake_file_limit);
    const std::optional<ThankYou> thank_you = file.text ? parse_thank_you(*file.text) : std::nullopt;
    if (!thank_you) {
        unreadable(name, file);
        return;
    }
    unreadable_.erase(name);
    if (!answers_.receipts().thank(name, *thank_you)) {
        last_error_.note("thank-you file " + name +
                         " is refused and deleted: it names a file that is not its own");
    }
}

void ArrivalsMonitor::tick(Clock::time_point now) {
    count_tries();
    dot_files_.clear();
    std::vector<std::string> names;
    std::transform(unreadable_.begin(), unreadable_.end(), std::back_inserter(names),
                   [](const auto& entry) { return entry.first; });
    for (const std::string& name : names) {
        look_at(name, now);
    }
    names.clear();
    for (const auto& [name, arrival] : arrivals_) {
        if (is_looked_at(arrival.state)) {
            names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        const auto found = arrivals_.find(name);
        if (found == arrivals_.end()) {
            continue;
        }
        if (found->second.state == Arrival::State::waiting) {
            look_at_data(found->second, now);
        } else {
            answers_.carry_out(found->second);
            forget_if_answered(found->second);
        }
    }
    answers_.hand_over();
}

void ArrivalsMonitor::remove_old_receipts() {
    answers_.receipts().remove_older_than(settings_.incoming.receipt_max_age);
}

std::string ArrivalsMonitor::lost_directory() const {
    for (const Directory* directory : {&data_, &incoming_, &answers_.journal_directory()}) {
        if (!directory->is_still_there()) {
            return directory->path();
        }
    }
    return "";
}

bool ArrivalsMonitor::waits() const {
    return !unreadable_.empty() || !arrivals_.empty();
}

bool ArrivalsMonitor::only_stuck() const {
    return only_held() || (all_are_stuck() && tries_in_vain_ >= enough_tries);
}

// Before the next try: what the last one has come to is known then, unless it is still in hand.
void ArrivalsMonitor::count_tries() {
    if (something_goes_on()) {
        tries_in_vain_ = 0;
    } else if (all_are_stuck()) {
        ++tries_in_vain_;
    }
}

bool ArrivalsMonitor::something_goes_on() const {
    return std::any_of(unreadable_.begin(), unreadable_.end(),
                       [](const auto& entry) { return entry.second == 0; }) ||
           std::any_of(arrivals_.begin(), arrivals_.end(), [](const auto& entry) {
               return entry.second.state != Arrival::State::held && entry.second.trouble.empty();
           });
}

bool ArrivalsMonitor::only_held() const {
    return unreadable_.empty() && std::all_of(arrivals_.begin(), arrivals_.end(), [](const auto& entry) {
               return entry.second.state == Arrival::State::held && entry.second.trouble.empty();
           });
}

bool ArrivalsMonitor::all_are_stuck() const {
    return std::all_of(unreadable_.begin(), unreadable_.end(),
                       [](const auto& entry) { return entry.second != 0; }) &&
           std::all_of(arrivals_.begin(), arrivals_.end(),
                       [](const auto& entry) { return is_stuck(entry.second); });
}

std::vector<ArrivalsMonitor::Left> ArrivalsMonitor::left() const {
    std::vector<Left> left;
    for (const auto& [name, arrival] : arrivals_) {
        left.push_back({arrival.control.data_name, reason_of(arrival)});
    }
    for (const auto& [name, error] : unreadable_) {
        if (error != 0) {
            left.push_back({name, "it cannot be read: " + std::generic_category().message(error)});
        }
    }
    return left;
}

}  // namespace mistamover::arrivals
