// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "plugin_host/plugin.hpp"
#include "stream/delivery.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {

/// One thread with one session of the plugin, opened when first needed, kept, and opened anew after it has
/// failed.
class Worker {
  public:
    struct Shared {
        SourceDirectory& source;
        const config::StreamSettings& settings;
        border::Module& module;
        StreamSessionContext& context;
        std::string temp_dir;
        SourceMark source_mark;
        /// Called on the worker's thread when a job has ended; result() then has its result.
        std::function<void()> on_end;
        /// Set by the first session that is closed: it leaves the target clean for all.
        std::atomic<bool> leaving{false};
        NameGuard::Shared names{};   ///< Whether the target takes two names for one.
        AliasCheck::Shared alias{};  ///< Whether the target is known to be another directory.
        /// Since when units are as they are; of a mirror, the files in its one unit.
        Settling settling{settings.outgoing.mode == TransferMode::mirror ? SIZE_MAX : Settling::most_units};
    };

    /// `shared` must outlive the worker.
    explicit Worker(Shared& shared);
    /// Waits for the job in hand and closes the session.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    struct Job {
        std::vector<Candidate> batch;       ///< To be delivered; may be empty.
        std::vector<Handshake> handshakes;  ///< Where not empty: nothing but to look for their receipts.
        Cleaning clean = Cleaning::none;    ///< Nothing but to empty the temporary directory at the target.
        bool ask_for_stop = false;  ///< Look whether the target has a .stop file; if so, deliver nothing.
        bool close = false;         ///< Nothing but to close the session.
    };
    /// Only while idle().
    void start(Job job);
    /// Only while idle(), and no worker delivers any more: closes the session, if there is one. The first
    /// that has one removes the temporary directory.
    void close();
    /// True from the start, and again once the result of a job has been taken.
    [[nodiscard]] bool idle() const noexcept { return idle_; }
    /// True while a session is open, as far as is known; of any thread.
    [[nodiscard]] bool has_session() const noexcept { return has_session_; }
    /// When the job in hand, or the last one, was begun.
    [[nodiscard]] std::chrono::steady_clock::time_point begun() const noexcept { return begun_; }
    /// The result of a job that has ended, once.
    std::optional<BatchResult> take_result();

  private:
    void run();
    BatchResult do_job(Job& job);
    Status open();
    Status leave_target();
    void drop_session();

    Shared& shared_;
    bool idle_ = true;
    std::atomic<bool> has_session_{false};
    std::chrono::steady_clock::time_point begun_{};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<Job> job_;
    std::optional<BatchResult> result_;
    bool ending_ = false;
    plugin_host::Plugin::SessionPointer session_;
    std::optional<Delivery> delivery_;
    std::thread thread_;
};

}  // namespace mistamover::stream
