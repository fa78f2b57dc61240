// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "arrivals/handshake_files.hpp"
#include "config/settings.hpp"
#include "stream/source_directory.hpp"

namespace mistamover::stream {

/// The sender's own copies of its control files, `.NAME.<control_file_extension>` in the stream's directory:
/// one is there from before the control file may be at the target until its receipt has been thanked for, so
/// that a later process knows what was sent. What the target need not leave here lies in a dot-directory
/// until it is sent. On a full disk both are made of the HandshakeReserve that lies there. Safe from several
/// threads as long as each file is handled by one of them. Throws std::system_error where the kernel refuses.
class HandshakeJournal {
  public:
    /// `source` must outlive the journal.
    HandshakeJournal(const SourceDirectory& source, const config::OutgoingSettings& settings);

    /// Fills the reserve. Throws where a unit's files of the journal could not be written, not even with it.
    void check_room() const;
    /// For about how many files there is room.
    [[nodiscard]] std::size_t room() const;
    /// As to be sent from the stream's directory; replaces an earlier one of that data file.
    ManifestEntry write(const arrivals::Control& control) const;
    /// Does nothing where there `may_be_another` one of that data file by now, and is.
    void remove(const arrivals::Control& control, bool may_be_another) const;
    /// All that are there; what is no control file, or names what no sender would, is left out.
    [[nodiscard]] std::vector<arrivals::Control> all() const;

    /// As to be sent from drafts_directory().
    ManifestEntry write_draft(const arrivals::Control& control) const;
    ManifestEntry write_draft(const std::string& name, const arrivals::ThankYou& thank_you) const;
    void remove_draft(const std::string& name) const noexcept;
    [[nodiscard]] std::filesystem::path drafts_directory() const;
    /// Removes what a crash has left there, and fills the reserve.
    void tidy() const noexcept;
    /// Removes that directory, but leaves the reserve in it where there is no room to make it again.
    void leave() const noexcept;

  private:
    [[nodiscard]] HandshakeReserve& reserve() const noexcept { return source_.handshake_reserve(); }
    [[nodiscard]] std::optional<Identity> write_new(const std::string& draft, const std::string& text) const;
    [[nodiscard]] int error_of_write() const;
    [[noreturn]] void give_up(const std::string& name, const std::filesystem::path& file) const;
    void remove_drafts() const;
    [[nodiscard]] ManifestEntry write_text(const std::string& name, const std::string& text) const;
    [[nodiscard]] std::string name_of(const arrivals::Control& control) const;

    const SourceDirectory& source_;
    std::string control_extension_;
    bool is_used_;
};

}  // namespace mistamover::stream
