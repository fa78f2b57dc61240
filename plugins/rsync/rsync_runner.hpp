// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <mistamover/transfer_module.hpp>

#include "rsync/rsync_command.hpp"
#include "rsync/rsync_failure.hpp"
#include "rsync/ssh_master.hpp"

namespace mistamover::rsync {

/// What the sessions of a module share. Safe from several threads.
struct Shared {
    /// Throws StatusError where the settings do not fit together. Removes the password of an earlier process.
    explicit Shared(const ModuleSettings& settings);
    /// Removes the password from the work directory.
    ~Shared();
    Shared(const Shared&) = delete;
    Shared& operator=(const Shared&) = delete;
    /// Makes the module's own files in the work directory, where that has not been done; for every session
    /// that opens. Throws StatusError, of session scope.
    void make_files();

    RsyncOptions options;
    std::string password_file;  ///< Empty: none.
    std::string empty_dir;      ///< An empty local directory.
    std::string probe_dir;      ///< A local directory that holds one empty file, named `probe`.
    std::string probe;
    std::mutex files_mutex;                   ///< Held while the module's own files are made.
    bool files_there = false;                 ///< Guarded by files_mutex.
    std::mutex temp_dir_mutex;                ///< Held while the directory of temporary files is made.
    std::atomic<bool> temp_dir_there{false};  ///< As far as is known.
    std::atomic<unsigned> sessions{0};        ///< Opened so far.
    SshMasters ssh_masters;
    std::atomic<bool> knows_trust_sender{true};  ///< Until this machine's rsync, older than 3.2.5, says no.
    std::atomic<bool> paces;                  ///< Servers take pacing_option, as far as is known; ssh only.
    std::atomic<bool> removes_missing{true};  ///< Servers do as CommandBuilder::remove, as far as is known.
    enum class Answer : std::uint8_t { unknown, yes, no };
    std::atomic<Answer> can_rename{Answer::unknown};
    std::atomic<Answer> can_remove{Answer::unknown};
};

/// Runs rsync and ssh for one session, and logs what they complain about.
class Runner {
  public:
    Runner(const Shared& shared, SessionContext& context) : shared_(shared), context_(context) {}

    using LineHandler = std::function<void(std::string_view)>;
    /// Standard output goes to `on_line`, line by line.
    ChildEnd run(const Arguments& arguments, std::string_view input, const LineHandler& on_line);
    ChildEnd run(const CommandWithInput& command, const LineHandler& on_line) {
        return run(command.arguments, command.input, on_line);
    }
    /// The same for a transfer of up to `bytes` bytes: it lives on while it sends, and then for as long as
    /// the other end may still write, or compare, what it has got: of files that are not compared, the one
    /// that it may be at, and what is on its way. It tells the progress.
    ChildEnd run_transfer(const CommandWithInput& command, std::uint64_t bytes, const LineHandler& on_line);
    /// The same for a comparison of `bytes` bytes, which both ends read one after the other: it lives on
    /// while this one reads, and then for as long as the other may read without a word.
    ChildEnd run_comparison(const CommandWithInput& command, std::uint64_t bytes, const LineHandler& on_line);
    [[nodiscard]] Status failure(const ChildEnd& end) const;
    [[nodiscard]] SessionContext& context() const noexcept { return context_; }

  private:
    ChildEnd run(const Arguments& arguments, std::string_view input, const LineHandler& on_line,
                 const std::function<bool(int)>& keep_alive);

    const Shared& shared_;
    SessionContext& context_;
};

}  // namespace mistamover::rsync
