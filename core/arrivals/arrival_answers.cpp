// SPDX-License-Identifier: BSD-3-Clause
#include "arrivals/arrival_answers.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include "arrivals/checksum_form.hpp"
#include "arrivals/passing_error.hpp"
#include "arrivals/receiver_decision.hpp"

namespace mistamover::arrivals {
namespace {

std::string text_of(int error) {
    return std::generic_category().message(error);
}

std::string reason_of(const ChecksumResult& result) {
    return result.refusal.empty() ? text_of(result.error) : result.refusal;
}

bool is_same_file(const Control& a, const Control& b) {
    return a.data_name == b.data_name && a.size == b.size && a.checksum == b.checksum;
}

}  // namespace

ArrivalAnswers::ArrivalAnswers(const config::IncomingSettings& settings, const logging::Logger& log,
                               LastError& last_error, const Directory& incoming, const Directory& data,
                               std::function<bool(const Control&)> is_allowed,
                               std::function<void()> on_result)
    : settings_(settings),
      log_(log),
      last_error_(last_error),
      incoming_(incoming),
      data_(data),
      is_allowed_(std::move(is_allowed)),
      journal_(incoming, log),
      receipts_(settings, incoming, journal_, log),
      checksums_(on_result),
      mover_(journal_, data, settings.fsync, std::move(on_result)) {}

void ArrivalAnswers::resume(Arrival& arrival) {
    jobs_[*arrival.job] = &arrival;
    // A receipt may be whole after a power failure, and the data that it is about not. Nobody has seen it yet
    // while the data is here.
    if (arrival.has_data) {
        arrival.was_taken = true;
        arrival.receipt.reset();
        compute(arrival, journal_.look_at_data(*arrival.job).value_or(FileIdentity{}));
    } else {
        const ReceiptStatus status = arrival.receipt->status;
        arrival.was_taken = status == ReceiptStatus::success || status == ReceiptStatus::bad_checksum;
        arrival.state = Arrival::State::answering;
        carry_out(arrival);
    }
}

bool ArrivalAnswers::begin(Arrival& arrival) {
    if (!arrival.job) {
        arrival.job = journal_.begin(arrival.control_file, arrival.control_text);
    }
    if (!arrival.job) {
        tell_trouble(arrival, "cannot be entered in the journal", errno);
        return false;
    }
    jobs_[*arrival.job] = &arrival;
    return true;
}

// Once: it is tried again several times a second.
void ArrivalAnswers::tell_trouble(Arrival& arrival, const std::string& what, const std::string& why) {
    arrival.trouble = what + ": " + why;
    if (!std::exchange(arrival.trouble_told, true)) {
        last_error_.note(arrival.control.data_name + ' ' + arrival.trouble);
    }
}

void ArrivalAnswers::tell_trouble(Arrival& arrival, const std::string& what, int error) {
    tell_trouble(arrival, what, text_of(error));
}

// Until the next carry_out().
void ArrivalAnswers::put_off(Arrival& arrival, const std::string& what, const std::string& why) {
    tell_trouble(arrival, what, why);
    arrival.state = Arrival::State::answering;
}

void ArrivalAnswers::put_off(Arrival& arrival, const std::string& what, int error) {
    put_off(arrival, what, text_of(error));
}

void ArrivalAnswers::take(Arrival& arrival) {
    if (!begin(arrival)) {
        return;  // no space: it is tried again
    }
    if (const int error = journal_.take_data(*arrival.job, arrival.control.data_name); error != 0) {
        if (error != ENOENT) {
            tell_trouble(arrival, "cannot be taken out of the incoming directory", error);
        }
        end_job(arrival);
        return;
    }
    const std::optional<FileIdentity> data = journal_.look_at_data(*arrival.job);
    if (data && data->is_file && data->size == arrival.control.size) {
        arrival.has_data = arrival.was_taken = true;
        compute(arrival, *data);
        return;
    }
    // Another file took the name at this very moment: it goes back, unless there is a newer one yet.
    const int error = journal_.move_data(*arrival.job, incoming_, arrival.control.data_name);
    if (error == EEXIST) {
        journal_.drop_data(*arrival.job);
    } else if (error != 0) {
        last_error_.note(arrival.control.data_name + " cannot be given its name back: " + text_of(error));
    }
    end_job(arrival);
}

void ArrivalAnswers::compute(Arrival& arrival, const FileIdentity& data) {
    arrival.state = Arrival::State::computing;
    arrival.data = data;
    checksums_.add({*arrival.job, journal_.directory().fd(), ArrivalJournal::data_file(*arrival.job),
                    data.size, std::string(algorithm_of(arrival.control.checksum))});
}

void ArrivalAnswers::hand_over() {
    checksums_.hand_over();
    mover_.hand_over();
}

std::set<Arrival*> ArrivalAnswers::take_results() {
    std::set<Arrival*> changed;
    for (const ChecksumResult& result : checksums_.results()) {
        const auto job = jobs_.find(result.job);
        if (job == jobs_.end()) {
            continue;
        }
        Arrival& arrival = *job->second;
        changed.insert(&arrival);
        if (arrival.state == Arrival::State::computing) {
            computed(arrival, result);
        } else if (arrival.state == Arrival::State::comparing) {
            compared(arrival, result);
        }
    }
    for (const MoveResult& result : mover_.results()) {
        const auto job = jobs_.find(result.job);
        if (job != jobs_.end() && job->second->state == Arrival::State::delivering) {
            changed.insert(job->second);
            moved(*job->second, result);
        }
    }
    log_.log_many(LogLevel::info, accepted_now_);
    accepted_now_.clear();
    return changed;
}

void ArrivalAnswers::computed(Arrival& arrival, const ChecksumResult& result) {
    if (is_passing(result.error)) {
        put_off(arrival, result.refusal.empty() ? "cannot be read" : "cannot be verified", reason_of(result));
        return;
    }
    const std::optional<FileIdentity> data = journal_.look_at_data(*arrival.job);
    if (data && *data != arrival.data && data->is_file) {
        compute(arrival, *data);  // somebody has it open and writes on
        return;
    }
    std::optional<std::string> checksum;
    if (result.digest && data) {
        checksum = checksum_on_wire(algorithm_of(arrival.control.checksum), *result.digest);
    }
    ReceiptStatus status = decide_by_checksum(arrival.control, checksum);
    if (status != ReceiptStatus::io_error && data->size != arrival.control.size) {
        status = ReceiptStatus::bad_size;
    }
    const bool with_checksum = status == ReceiptStatus::success || status == ReceiptStatus::bad_checksum;
    answer(arrival, status, checksum ? std::optional(data->size) : std::nullopt,
           with_checksum ? *checksum : "");
}

void ArrivalAnswers::refuse(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size) {
    if (begin(arrival)) {  // no space, else: it is tried again
        answer(arrival, status, size, "");
    }
}

void ArrivalAnswers::answer(Arrival& arrival, ReceiptStatus status, std::optional<std::uint64_t> size,
                            const std::string& checksum) {
    if (status != ReceiptStatus::success && !receipts_.tells_success(arrival.control)) {
        last_error_.note(arrival.control.data_name + " is refused: " + std::string(to_string(status)));
    }
    arrival.state = Arrival::State::answering;
    arrival.receipt_written = false;
    arrival.receipt = Receipt{arrival.control.data_name, status, size, checksum,
                              stamped_name(arrival.control.data_name, std::chrono::system_clock::now(),
                                           settings_.thankyou_file_extension)};
    carry_out(arrival);
}

void ArrivalAnswers::carry_out(Arrival& arrival) {
    if (!arrival.receipt) {
        compute(arrival, arrival.data);
        return;
    }
    if (!arrival.receipt_written) {
        const int error = journal_.write_receipt(*arrival.job, to_text(*arrival.receipt));
        if (error != 0) {
            tell_trouble(arrival, "cannot be answered", error);
            return;
        }
        arrival.receipt_written = true;
    }
    if (arrival.carried_out) {
        finish(arrival);
        return;
    }
    if (arrival.receipt->status == ReceiptStatus::success) {
        deliver(arrival);
        return;
    }
    if (const int error = remove_refused(arrival); error != 0) {
        put_off(arrival, "cannot be answered", error);
        return;
    }
    finish(arrival);
}

// In the incoming directory, what has its name may have been sent since: it goes only as long as it is what
// this very control file announces. 0, or the errno where that cannot be told for now.
int ArrivalAnswers::remove_refused(const Arrival& arrival) const {
    if (arrival.has_data) {
        journal_.drop_data(*arrival.job);
    }
    if (arrival.was_taken) {
        return 0;
    }
    const Directory::SmallFile control = incoming_.open_small(arrival.control_file, handshake_file_limit);
    if (control.text == arrival.control_text) {
        incoming_.remove(arrival.control.data_name);
    }
    return control.passing_error;
}

void ArrivalAnswers::deliver(Arrival& arrival) {
    // Whether the name is free shows when it is moved; only of one that is held it is to be expected that it
    // is not.
    const bool may_be_taken = arrival.state == Arrival::State::held && arrival.has_data;
    if (may_be_taken && data_.look(arrival.control.data_name)) {
        hold(arrival);
        return;
    }
    arrival.state = Arrival::State::delivering;
    MoveRequest request{*arrival.job, arrival.control.data_name, arrival.has_data && !arrival.is_second};
    if (arrival.is_second) {
        request.first = arrival.compared;
        request.first_error = arrival.first_error;
    }
    mover_.add(std::move(request));
}

void ArrivalAnswers::moved(Arrival& arrival, const MoveResult& result) {
    const std::string& name = arrival.control.data_name;
    arrival.has_data = arrival.has_data && !result.renamed;  // whatever kept the disk from getting to know
    arrival.is_second = arrival.is_second && !result.renamed;
    arrival.first_error = arrival.is_second ? result.first_error : 0;
    if (result.renamed && result.first_error != 0) {
        last_error_.note(name + " was there already, but could not be written to the disk (" +
                         text_of(result.first_error) + "): the copy that was sent again has its place");
    }
    if (is_passing(result.disk_error)) {
        put_off(arrival, "cannot be written to the disk", result.disk_error);
    } else if (arrival.is_second && !settle_second(arrival, result)) {
        return;
    } else if (result.disk_error != 0) {
        last_error_.note(name + " cannot be written to the disk: " + text_of(result.disk_error));
        answer(arrival, ReceiptStatus::io_error, std::nullopt, "");
    } else if (result.move_error == 0) {
        accepted_files_ += result.renamed ? 1 : 0;
        accepted_bytes_ += result.renamed ? arrival.control.size : 0;
        accepted_now_.push_back("accepted " + name + " (" + std::to_string(arrival.control.size) + " bytes)" +
                                (result.renamed ? "" : ": it was there already"));
        finish(arrival);
    } else if (result.move_error == EEXIST) {
        hold(arrival);
    } else {
        tell_trouble(arrival, "cannot be moved to the stream's directory", result.move_error);
        arrival.state = Arrival::State::held;
    }
}

// What has its name is on the disk, so that the second copy goes, or has been replaced by it. False where it
// is needed still.
bool ArrivalAnswers::settle_second(Arrival& arrival, const MoveResult& result) {
    if (result.disk_error != 0) {
        arrival.receipt_written = false;  // whether it was the receipt's or the directory's
        put_off(arrival, "cannot be answered", result.disk_error);
        return false;
    }
    if (result.move_error != 0 && result.move_error != EEXIST) {
        put_off(arrival, "cannot take the place of the same file, which cannot be written to the disk",
                result.move_error);
        return false;
    }
    arrival.is_second = false;
    if (result.move_error == EEXIST) {
        arrival.compared.reset();
        return true;
    }
    if (!data_.is_still_there() || data_.look(arrival.control.data_name) != arrival.compared) {
        arrival.compared.reset();
        arrival.state = Arrival::State::answering;
        carry_out(arrival);
        return false;
    }
    journal_.drop_data(*arrival.job);
    arrival.has_data = false;
    return true;
}

void ArrivalAnswers::hold(Arrival& arrival) {
    arrival.trouble.clear();
    const std::optional<FileIdentity> taken = data_.look(arrival.control.data_name);
    if (taken && taken != arrival.compared && taken->is_file && taken->size == arrival.control.size) {
        arrival.state = Arrival::State::comparing;
        arrival.compared = taken;
        checksums_.add({*arrival.job, data_.fd(), arrival.control.data_name, taken->size,
                        std::string(algorithm_of(arrival.control.checksum))});
        return;
    }
    if (arrival.state != Arrival::State::held) {
        log_.warning(arrival.control.data_name + " is held until its name in the stream's directory is free");
    }
    arrival.state = Arrival::State::held;
}

// The very same file sent again, because its sender saw no receipt, is accepted again, once the one that is
// there is on the disk: until then the journal's is the only one that is known to be whole.
void ArrivalAnswers::compared(Arrival& arrival, const ChecksumResult& result) {
    // Of another directory than the stream's it tells nothing that what was accepted before is there.
    const int error = data_.is_still_there() ? result.error : ESTALE;
    if (is_passing(error) || error == ESTALE) {
        arrival.compared.reset();
        put_off(arrival, "cannot be compared with what has its name",
                error == result.error ? reason_of(result) : text_of(error));
        return;
    }
    const bool is_same =
        result.digest && data_.look(arrival.control.data_name) == arrival.compared &&
        checksum_on_wire(algorithm_of(arrival.control.checksum), *result.digest) == arrival.control.checksum;
    if (!is_same) {
        arrival.state = Arrival::State::answering;
        carry_out(arrival);
        return;
    }
    arrival.is_second = true;
    deliver(arrival);
}

void ArrivalAnswers::finish(Arrival& arrival) {
    arrival.carried_out = true;
    int error = remove_control(arrival);
    if (error == 0) {
        error = publish(arrival);
    }
    if (error != 0) {
        put_off(arrival, "cannot be answered", error);
        return;
    }
    end_job(arrival);
    arrival.state = Arrival::State::answered;
}

// It may be another by now: of a sender that gave up waiting and sent everything again. 0, or the errno where
// that cannot be told, or not be journaled, and is to be tried again.
int ArrivalAnswers::remove_control(Arrival& arrival) {
    bool is_own =
        arrival.control_identity && incoming_.look(arrival.control_file) == arrival.control_identity;
    if (!is_own) {
        const Directory::SmallFile file = incoming_.open_small(arrival.control_file, handshake_file_limit);
        if (file.passing_error != 0) {
            return file.passing_error;
        }
        const std::optional<Control> again = announced_again(arrival, file);
        if (const int error = again ? adopt(arrival, file, *again) : 0; error != 0) {
            return error;
        }
        is_own = file.text == arrival.control_text;
    }
    arrival.control_removed = is_own && incoming_.remove(arrival.control_file);
    return 0;
}

// What was refused is not: the file that has come since may be a better one.
std::optional<Control> ArrivalAnswers::announced_again(const Arrival& arrival,
                                                       const Directory::SmallFile& file) const {
    const bool is_other = file.text && file.text != arrival.control_text;
    const std::optional<Control> control = is_other ? parse_control(*file.text) : std::nullopt;
    const bool is_answered = control && arrival.receipt->status == ReceiptStatus::success &&
                             is_same_file(*control, arrival.control) && is_allowed_(*control);
    return is_answered ? control : std::nullopt;
}

// 0, or the errno.
int ArrivalAnswers::adopt(Arrival& arrival, const Directory::SmallFile& file, const Control& control) {
    const std::optional<ArrivalJournal::Number> job = journal_.begin(arrival.control_file, *file.text);
    if (!job) {
        return errno;
    }
    // Whichever job has the receipt goes on after a crash, and the old one would come here again: so the
    // second copy of the data goes while the old one has it.
    const std::optional<FileIdentity> data = incoming_.look(control.data_name);
    if (data && data->is_file && data->size == control.size) {
        incoming_.remove(control.data_name);
    }
    if (const int error = journal_.pass_receipt(*arrival.job, *job); error != 0) {
        journal_.end(*job, false);
        return error;
    }
    journal_.end(*arrival.job, false);
    jobs_.erase(*arrival.job);
    jobs_[*job] = &arrival;
    arrival.job = job;
    arrival.control_text = *file.text;
    arrival.control_identity = file.identity;
    arrival.control = control;
    log_.info(control.data_name + " was sent again meanwhile: its receipt is the one asked for last");
    return 0;
}

// 0, or the errno where it is to be tried again: without its receipt a file is sent, and delivered, once
// more.
int ArrivalAnswers::publish(Arrival& arrival) {
    const std::string& name = arrival.control.receipt_name;
    if (settings_.legacy_sender && arrival.receipt->status != ReceiptStatus::success) {
        return 0;  // such a sender would take any receipt for success
    }
    const int error = receipts_.publish(*arrival.job, arrival.control, *arrival.receipt);
    arrival.receipt_written = error != 0;
    if (error == EEXIST) {
        last_error_.note("receipt " + name + " for " + arrival.control.data_name +
                         " cannot be written: " + text_of(error));
    }
    const bool is_over = error == EEXIST || error == ENOENT || error == EALREADY;
    return is_over ? 0 : error;
}

void ArrivalAnswers::discard(Arrival& arrival) {
    if (arrival.has_data) {
        journal_.drop_data(*arrival.job);
    }
    end_job(arrival);
    arrival.state = Arrival::State::answered;
}

void ArrivalAnswers::end_job(Arrival& arrival) {
    if (arrival.job) {
        journal_.end(*arrival.job, arrival.receipt_written);
        jobs_.erase(*arrival.job);
        arrival.job.reset();
    }
}

}  // namespace mistamover::arrivals
