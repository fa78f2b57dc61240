// SPDX-License-Identifier: BSD-3-Clause
#include "stream/receipt_collection.hpp"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "arrivals/checksum_form.hpp"
#include "arrivals/handshake_names.hpp"
#include "files/digest.hpp"
#include "stream/digests.hpp"
#include "stream/proof.hpp"
#include "stream/session_context.hpp"
#include "stream/small_files.hpp"

namespace mistamover::stream {
namespace {

// Mode, owner or links may be others, which tells of no write.
bool is_touched_at_most(const Manifest& sent, const Manifest& found) {
    return std::equal(sent.entries.begin(), sent.entries.end(), found.entries.begin(), found.entries.end(),
                      [](const ManifestEntry& before, const ManifestEntry& after) {
                          Identity touched = after.identity;
                          touched.ctime_ns = before.identity.ctime_ns;
                          touched.mode = before.identity.mode;
                          return before.path == after.path && before.identity == touched;
                      });
}

using Clock = std::chrono::steady_clock;

bool has_answer(const StatCollector::Seen& seen, StatusCode code) {
    return seen.status && seen.status->code() == code;
}

}  // namespace

/// What is asked about one handshake, and what the target has answered.
struct ReceiptCollection::Question {
    Handshake* handshake = nullptr;
    arrivals::AnswerSeen seen;
    bool control_there = false;
    bool control_not_there = false;
};

ReceiptCollection::ReceiptCollection(SourceDirectory& source, const config::OutgoingSettings& settings,
                                     border::Session& session, DirectoryDelivery& directories,
                                     HandshakeDelivery& delivery, const CancelToken& cancel)
    : source_(source),
      remover_(source),
      settings_(settings),
      session_(session),
      capabilities_(session.call_capabilities()),
      directories_(directories),
      delivery_(delivery),
      cancel_(cancel),
      journal_(source, settings) {}

Status ReceiptCollection::look(std::vector<Handshake>& handshakes) {
    std::vector<Question> questions;
    for (Handshake& handshake : handshakes) {
        if (!handshake.end) {
            questions.emplace_back().handshake = &handshake;
        }
    }
    Status asked = may_be_early(questions) ? drop_if_early(questions) : Status{};
    if (asked.ok()) {
        asked = ask(questions);
    }
    if (!asked.ok()) {
        return asked;
    }
    Refs unannounced;
    Status judged;
    for (Question& question : questions) {
        if (const Status status = judge(question); !status.ok()) {
            judged = status;
        }
        if (control_is_missing(question)) {
            unannounced.push_back(question.handshake);
        }
    }
    const Status status = delivery_.announce(unannounced);
    Status thanked = write_out_removals(handshakes);
    if (thanked.ok()) {
        thanked = thank(handshakes);
    }
    return !judged.ok() ? judged : status.ok() ? thanked : status;
}

// Until the pause between two looks has grown to its longest.
bool ReceiptCollection::may_be_early(const std::vector<Question>& questions) const {
    constexpr std::size_t many = 64;
    return questions.size() >= many &&
           std::all_of(questions.begin(), questions.end(), [this](const Question& question) {
               return !question.handshake->control_in_doubt &&
                      question.handshake->pause < settings_.receipt_file_poll_interval;
           });
}

// Most looks at a receiver that is busy find nothing: where none of a few has been answered, the others are
// not asked for yet.
Status ReceiptCollection::drop_if_early(std::vector<Question>& questions) {
    constexpr std::size_t few = 16;
    std::vector<Question> sample;
    for (std::size_t i = 0; i < questions.size(); i += questions.size() / few) {
        sample.push_back(questions[i]);
    }
    const Status status = ask(sample);
    const bool is_early = std::none_of(sample.begin(), sample.end(),
                                       [](const Question& one) { return one.seen.receipt_there; });
    if (status.ok() && is_early) {
        questions.clear();
    }
    return status;
}

// One stat for all.
Status ReceiptCollection::ask(std::vector<Question>& questions) {
    std::vector<std::string> names;
    constexpr std::size_t names_each = 3;
    names.reserve(names_each * questions.size());
    for (const Question& question : questions) {
        const Handshake& handshake = *question.handshake;
        const arrivals::Control& control = handshake.state->control();
        names.push_back(control.receipt_name);
        if (handshake.control_in_doubt) {
            names.push_back(arrivals::control_name(control.data_name, settings_.control_file_extension));
        }
        if (handshake.control_in_doubt || settings_.legacy_receiver) {
            names.push_back(control.data_name);
        }
    }
    if (names.empty()) {
        return {};
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    StatCollector seen(views.size());
    if (const Status status = session_.call_stat(views, seen); !status.ok()) {
        return {status.code(), std::max(status.scope(), StatusScope::session), status.text()};
    }
    std::size_t next = 0;
    for (Question& question : questions) {
        const Handshake& handshake = *question.handshake;
        question.seen.receipt_there = has_answer(seen[next++], StatusCode::ok);
        if (handshake.control_in_doubt) {
            question.control_there = has_answer(seen[next], StatusCode::ok);
            question.control_not_there = has_answer(seen[next++], StatusCode::not_found);
        }
        if (handshake.control_in_doubt || settings_.legacy_receiver) {
            // What cannot be told counts as still there.
            question.seen.data_there = !has_answer(seen[next++], StatusCode::not_found);
        }
    }
    return read_receipts(questions);
}

Status ReceiptCollection::read_receipts(std::vector<Question>& questions) {
    std::vector<std::string_view> names;
    std::vector<Question*> askers;
    for (Question& question : questions) {
        if (question.seen.receipt_there) {
            names.push_back(question.handshake->state->control().receipt_name);
            askers.push_back(&question);
        }
    }
    std::vector<SmallFile> receipts;
    const Status status =
        get_small_files(session_, capabilities_, names, arrivals::handshake_file_limit, receipts);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        if (receipts[i].status && receipts[i].status->ok()) {
            askers[i]->seen.receipt = std::move(receipts[i].text);
        }
    }
    return status;
}

Status ReceiptCollection::judge(const Question& question) {
    Handshake& handshake = *question.handshake;
    const bool nothing_there =
        !question.seen.receipt_there && question.control_not_there && !question.seen.data_there;
    if (handshake.result.name.empty() && nothing_there) {
        handshake.end = Outcome::delivered;  // an earlier process had thanked already
        return {};
    }
    const arrivals::Judgement judgement = handshake.state->judge(question.seen, Clock::now());
    if (judgement.verdict == arrivals::Verdict::wait) {
        return {};
    }
    const bool may_thank =
        arrivals::is_answer_name(judgement.thankyou_name, settings_.stop_file,
                                 settings_.control_file_extension, settings_.receipt_file_extension);
    handshake.thankyou_name = may_thank ? judgement.thankyou_name : "";
    if (judgement.verdict == arrivals::Verdict::arrived) {
        return end_by_removal(handshake);
    }
    const auto code = question.seen.receipt_there ? StatusCode::corrupt : StatusCode::timed_out;
    handshake.result.status = {code, StatusScope::item, judgement.reason};
    handshake.end = delivery_.failure_of(handshake, handshake.result.status);
    return {};
}

// True where the data waits at the target for a control file that never got there. One look is not enough to
// tell: the receiver may have taken the data and removed the control file between the two answers.
bool ReceiptCollection::control_is_missing(const Question& question) {
    Handshake& handshake = *question.handshake;
    if (handshake.end || !handshake.control_in_doubt) {
        return false;
    }
    // A receipt that could not be read may have been thanked for by an earlier process, and have gone by now.
    handshake.control_in_doubt = !question.control_there && !question.seen.receipt;
    const bool alone = question.control_not_there && !question.seen.receipt_there && question.seen.data_there;
    const bool missing = handshake.control_in_doubt && alone && handshake.data_seen_alone;
    handshake.data_seen_alone = alone;
    return missing;
}

// Until the source has gone, the receipt stays, which proves that it was delivered: were it sent again, it
// would be delivered twice. A failure that is not the unit's own is the session's.
Status ReceiptCollection::end_by_removal(Handshake& handshake) {
    if (Clock::now() < handshake.next_try_for_room) {
        return {};
    }
    try {
        const Status status = remove_source(handshake);
        if (status.ok() || status.beyond_item()) {
            return status;
        }
        if (status.code() == StatusCode::no_space) {
            wait_for_room(handshake, status);
        } else {
            end_untold(handshake, status);
        }
        return {};
    } catch (const std::system_error& error) {
        const Status status = status_from_errno(error.code().value(), error.what());
        if (status.code() == StatusCode::cancelled) {
            return {};  // no time to find out what is here: the next process does
        }
        return note_failed_removal(handshake, status);
    }
}

// Where it cannot even be told whether the unit is here, that is the directory's failure, not the unit's.
Status ReceiptCollection::note_failed_removal(Handshake& handshake, const Status& failure) const {
    try {
        if (!source_.find_for_certain(handshake.result.name)) {
            handshake.end = Outcome::delivered;
            return {};
        }
    } catch (const std::system_error& error) {
        return status_from_errno(error.code().value(), error.what()).of_session();
    }
    if (failure.beyond_item()) {
        return failure;
    }
    if (++handshake.failed_removals >= std::max<std::uint32_t>(settings_.retry_count, 1)) {
        handshake.result.status = failure;
        handshake.end = Outcome::refused;
    }
    return {};
}

// Not ok where nothing has ended: the session has failed, or, of item scope, what is here cannot be told from
// what was sent; where there is no room for that now, perhaps later.
Status ReceiptCollection::remove_source(Handshake& handshake) {
    UnitResult& unit = handshake.result;
    if (unit.name.empty()) {
        handshake.end = Outcome::delivered;
        return {};
    }
    if (handshake.sent) {
        note_removal(unit, remover_.remove(unit.name, *handshake.sent));
    }
    // What was touched, and not written to, since it was sent is what has arrived.
    if (!handshake.sent || unit.outcome == Outcome::changed) {
        unit.outcome = Outcome::awaiting_receipt;
        if (const Status status = find_by_checksum(handshake); !status.ok()) {
            return status;
        }
        note_removal(unit, handshake.sent ? remover_.remove(unit.name, *handshake.sent)
                                          : SourceDirectory::Removed{SourceDirectory::Removal::changed, {}});
    }
    handshake.end = std::exchange(unit.outcome, Outcome::awaiting_receipt);
    return {};
}

// A try may fill and free much of a disk: each comes later than the one before. Nobody must wait for ever,
// and to send it again would be to deliver it twice: in the end it is for somebody to look at.
void ReceiptCollection::wait_for_room(Handshake& handshake, const Status& no_room) const {
    constexpr std::uint32_t most_tries = 8;  // about as long as is waited for a receipt by default
    handshake.pause = settings_.receipt_file_poll_interval;
    const auto tries_before = handshake.failures_for_room++;
    if (handshake.failures_for_room < most_tries) {
        handshake.next_try_for_room =
            Clock::now() + settings_.receipt_file_poll_interval * (1U << tries_before);
        return;
    }
    end_untold(handshake, no_room);
}

void ReceiptCollection::end_untold(Handshake& handshake, const Status& why) {
    handshake.result.status = {
        why.code(), StatusScope::item,
        "it has arrived, but whether it still is what was sent cannot be told: " + std::string(why.text())};
    handshake.end = Outcome::refused;
}

// What is here, if it still is what the control file tells of, is what was sent. Of an earlier process there
// is nothing else to go by; of this one, it must have been touched at most.
Status ReceiptCollection::find_by_checksum(Handshake& handshake) {
    const arrivals::Control& control = handshake.state->control();
    const std::string& name = handshake.result.name;
    std::optional<Manifest> sent = std::exchange(handshake.sent, std::nullopt);
    const Look look = look_at(source_.fd(), name);
    if (sent && !is_touched_at_most(*sent, look.manifest)) {
        return {};
    }
    bool is_the_same = false;
    Status compared;
    if (look.manifest.entries.front().identity.kind == EntryKind::directory) {
        const DirectoryDelivery::End end =
            directories_.with_zip(name, look.manifest, [&](const DirectoryDelivery::Zip& zip) {
                compared = compare(zip.directory_fd, zip.file, control, is_the_same);
                return Status{};
            });
        if (!end.status.ok() && cancel_.cancelled()) {
            throw std::system_error(ECANCELED, std::generic_category(), name);
        }
        if (end.no_room) {
            handshake.sent = std::move(sent);
            return end.status;
        }
        if (!end.status.ok()) {
            return end.status.beyond_item() ? end.status : Status{};
        }
    } else {
        compared = compare(source_.fd(), look.manifest.entries.front(), control, is_the_same);
    }
    if (!compared.ok()) {
        handshake.sent = std::move(sent);
    } else if (is_the_same) {
        handshake.sent = look.manifest;
    }
    return compared;
}

// Not ok where no checksum of that kind can be computed here: of item scope where new units have another.
Status ReceiptCollection::compare(int directory_fd, const ManifestEntry& file,
                                  const arrivals::Control& control, bool& is_the_same) const {
    is_the_same = false;
    if (file.identity.size != control.size) {
        return {};
    }
    const std::string algorithm(arrivals::algorithm_of(control.checksum));
    try {
        const std::string digest = files::digest_of(directory_fd, file.path, file.identity.size, algorithm,
                                                    [this] { return cancel_.cancelled(); });
        is_the_same = arrivals::checksum_on_wire(algorithm, digest) == control.checksum;
        return {};
    } catch (const files::DigestRefused& refused) {
        return algorithm == settings_.checksum
                   ? status_of(refused)
                   : Status{StatusCode::configuration, StatusScope::item, refused.what()};
    }
}

// Those of an earlier look, too, after which the session has failed.
Status ReceiptCollection::write_out_removals(const std::vector<Handshake>& handshakes) const {
    const bool any = std::any_of(handshakes.begin(), handshakes.end(), [](const Handshake& handshake) {
        return handshake.end == Outcome::delivered || handshake.end == Outcome::left_over;
    });
    const int error = any ? source_.write_out_removals() : 0;
    return error == 0
               ? Status{}
               : status_from_errno(error, "bring the deletions to the disk in " + source_.path().string())
                     .of_session();
}

// What was thanked for is over: the journal may forget it. Where the session fails, it is thanked for later.
Status ReceiptCollection::thank(std::vector<Handshake>& handshakes) {
    Refs owners;
    std::vector<ManifestEntry> files;
    std::set<std::string_view> names;
    for (Handshake& handshake : handshakes) {
        if (!handshake.end || handshake.thankyou_name.empty() ||
            !names.insert(handshake.thankyou_name).second) {
            continue;
        }
        try {
            files.push_back(
                journal_.write_draft(handshake.thankyou_name, {handshake.state->control().receipt_name}));
            owners.push_back(&handshake);
        } catch (const std::system_error&) {
            continue;  // the receiver removes a receipt in time that nobody thanks for
        }
    }
    std::set<const Handshake*> unthanked;
    const Status status = put_thank_yous(owners, files, unthanked);
    for (Handshake& handshake : handshakes) {
        if (handshake.end && !unthanked.contains(&handshake)) {
            // Of what has gone from here meanwhile, something new may have come and be in flight by now.
            journal_.remove(handshake.state->control(), handshake.result.name.empty());
            handshake.result.outcome = *handshake.end;
        }
    }
    return status;
}

Status ReceiptCollection::put_thank_yous(const Refs& owners, const std::vector<ManifestEntry>& files,
                                         std::set<const Handshake*>& unthanked) {
    if (files.empty()) {
        return {};
    }
    PutCollector ends(files.size());
    const Status overall = delivery_.put_drafts(files, ends);
    Status worst = overall.beyond_item() ? overall : Status{};
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const Status status = ends.status_of(i, overall);
        if (status.beyond_item()) {
            worst = status;
            unthanked.insert(owners[i]);
        }
    }
    return worst;
}

}  // namespace mistamover::stream
