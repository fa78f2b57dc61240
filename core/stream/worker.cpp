// SPDX-License-Identifier: BSD-3-Clause
#include "stream/worker.hpp"

#include <exception>
#include <utility>

namespace mistamover::stream {
namespace {

BatchResult all_not_tried(Worker::Job& job, const Status& status) {
    BatchResult result;
    result.handshakes = std::move(job.handshakes);
    for (const Candidate& candidate : job.batch) {
        UnitResult& unit = result.units.emplace_back();
        unit.name = candidate.name;
    }
    result.session = status;
    return result;
}

}  // namespace

Worker::Worker(Shared& shared) : shared_(shared), thread_([this] { run(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Worker::start(Job job) {
    idle_ = false;
    begun_ = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        job_ = std::move(job);
    }
    wake_.notify_one();
}

void Worker::close() {
    Job job;
    job.close = true;
    start(std::move(job));
}

std::optional<BatchResult> Worker::take_result() {
    const std::lock_guard lock(mutex_);
    if (result_) {
        idle_ = true;
    }
    return std::exchange(result_, std::nullopt);
}

void Worker::run() {
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return job_ || ending_; });
            if (!job_) {
                break;
            }
            job = std::move(*job_);
            job_.reset();
        }
        const std::size_t looked_for = job.handshakes.size();
        BatchResult result;
        try {
            result = do_job(job);
        } catch (const std::exception& error) {
            result = all_not_tried(job, {StatusCode::internal, StatusScope::session, error.what()});
        }
        result.looked_for = looked_for;
        if (!result.session.ok()) {
            // It may be another target that the next one is opened to.
            shared_.names.answer = NameGuard::Shared::Answer::unknown;
            drop_session();
        }
        {
            const std::lock_guard lock(mutex_);
            result_ = std::move(result);
        }
        shared_.on_end();
    }
    drop_session();
}

BatchResult Worker::do_job(Job& job) {
    if (job.close) {
        BatchResult result;
        if (delivery_ && !shared_.leaving.exchange(true)) {
            result.session = leave_target();
        }
        drop_session();
        return result;
    }
    if (const Status status = open(); !status.ok()) {
        BatchResult result = all_not_tried(job, status);
        result.not_opened = !session_;
        return result;
    }
    if (job.clean != Cleaning::none) {
        BatchResult result = delivery_->clean_target(job.clean, job.ask_for_stop);
        result.session = result.session.of_session();
        return result;
    }
    if (!job.handshakes.empty()) {
        return delivery_->look_for_receipts(job.handshakes);
    }
    return delivery_->deliver(job.batch, job.ask_for_stop);
}

// A session may have died unseen while it was idle.
Status Worker::leave_target() {
    Status status = delivery_->leave_target();
    if (!status.ok() && status.code() != StatusCode::cancelled) {
        drop_session();
        status = open();
        if (status.ok()) {
            status = delivery_->leave_target();
        }
    }
    return status;
}

Status Worker::open() {
    if (session_) {
        return {};
    }
    border::Session* opened = nullptr;
    const Status status = shared_.module.call_open_session(shared_.context, opened);
    if (!status.ok()) {
        // Without a session nothing can be said of an item.
        return status.of_session();
    }
    session_.reset(opened);
    has_session_ = true;
    delivery_.emplace(shared_.source, shared_.settings, *session_, shared_.temp_dir, shared_.source_mark,
                      shared_.names, shared_.settling, shared_.alias, shared_.context.cancel_token());
    return delivery_->check_target();
}

void Worker::drop_session() {
    delivery_.reset();
    session_.reset();
    has_session_ = false;
}

}  // namespace mistamover::stream
