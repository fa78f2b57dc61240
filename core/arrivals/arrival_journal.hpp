// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arrivals/incoming_directory.hpp"
#include "logging/client.hpp"

namespace mistamover::arrivals {

/// What the monitor has in hand, kept in a dot-directory of the incoming directory so that it survives the
/// process. Of each job there are at most: the job (which control file it is about), the data file, which
/// lies here, out of every sender's reach, from before its checksum is computed until it is delivered, and
/// the receipt, written before anything is done about its verdict. A job is removed last of all. So, after a
/// crash: without data and receipt the job never began or has ended; with data its checksum is to be computed
/// again, whatever a receipt says, since a power failure may have kept that and not the content; with a
/// receipt alone, what it says is carried out, if it has not been. A power failure can leave other halves of
/// a job. No receipt was published for any of these, so that they go: the sender sends again.
class ArrivalJournal {
  public:
    using Number = std::uint64_t;

    struct Job {
        Number number = 0;
        std::string control_file;  ///< Its name in the incoming directory.
        std::string control_text;
        std::optional<std::string> receipt;
        bool has_data = false;
    };

    static constexpr char directory_name[] = ".mistamover-arrivals";

    /// Throws std::runtime_error where the directory is another user's, who could forge what it says, or
    /// where another journal is open there.
    ArrivalJournal(const Directory& incoming, const logging::Logger& log);

    /// What an earlier process had in hand. To be called once, first. Throws std::system_error where it
    /// cannot be read for a reason that may pass, and has removed nothing then but what is damaged.
    std::vector<Job> recover();

    /// Nothing where it cannot be written; errno tells why.
    std::optional<Number> begin(const std::string& control_file, const std::string& control_text);
    /// Takes the data file out of the incoming directory: 0, or the errno.
    [[nodiscard]] int take_data(Number job, const std::string& data_name) const;
    [[nodiscard]] std::optional<FileIdentity> look_at_data(Number job) const;
    /// Gives the data file a name in another directory, or back: 0, or the errno; EEXIST where it is taken.
    [[nodiscard]] int move_data(Number job, const Directory& to, const std::string& name) const;
    /// Gives the data file a name that another file has, which becomes the data file instead: 0, or the
    /// errno; EINVAL or ENOSYS where the file system cannot do that in one.
    [[nodiscard]] int exchange_data(Number job, const Directory& with, const std::string& name) const;
    /// Gives the data file a name that another file may have, which is gone then: 0, or the errno.
    [[nodiscard]] int move_data_over(Number job, const Directory& to, const std::string& name) const;
    void drop_data(Number job) const;
    /// 0, or the errno.
    [[nodiscard]] int write_receipt(Number job, const std::string& text) const;
    /// Makes one job's receipt another's: 0, or the errno.
    [[nodiscard]] int pass_receipt(Number from, Number to) const;
    /// Gives the receipt its name in the incoming directory: 0, or the errno.
    [[nodiscard]] int publish_receipt(Number job, const std::string& name, bool replace) const;
    /// Removes the job, and its receipt where that `has_receipt` which was not published.
    void end(Number job, bool has_receipt) const;

    [[nodiscard]] const Directory& directory() const noexcept { return directory_; }
    static std::string data_file(Number job) { return std::to_string(job) + ".data"; }
    static std::string receipt_file(Number job) { return std::to_string(job) + ".receipt"; }

  private:
    static std::string job_file(Number job) { return std::to_string(job) + ".job"; }

    [[nodiscard]] std::optional<std::string> read(const std::string& name, std::size_t limit) const;
    void forget_halves(const std::vector<std::string>& names) const;

    const Directory& incoming_;
    logging::Logger log_;
    Directory directory_;
    Number next_ = 1;
};

}  // namespace mistamover::arrivals
