// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "files/stop_author.hpp"
#include "files/unit_names.hpp"
#include "process/unique_fd.hpp"
#include "stream/handshake_reserve.hpp"
#include "stream/hard_links.hpp"
#include "stream/manifest.hpp"

namespace mistamover::stream {

struct Candidate {
    std::string name;
    Identity identity;
};

/// The directory of one stream: what is in it, and the only code that deletes, moves or renames anything
/// there. Every path is taken relative to the directory's descriptor and no link is followed. Safe from
/// several threads as long as each unit is handled by one of them. Throws std::system_error where the kernel
/// refuses.
class SourceDirectory {
  public:
    /// Of the dot-files by which AliasCheck knows the directory again.
    static constexpr char probe_prefix[] = ".mistamover.probe.";

    /// Opens the directory; creates it where it is missing, but for a mirror, which would then delete all at
    /// the target.
    explicit SourceDirectory(const config::StreamSettings& settings);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

    /// True for the names that are units: no dot-file, not the quarantine, not excluded, included.
    [[nodiscard]] bool is_unit(const std::string& name) const { return unit_names_.contain(name); }
    /// The quarantine's name, where it lies in the directory itself; else empty.
    [[nodiscard]] const std::string& quarantine_name() const noexcept {
        return unit_names_.quarantine_name();
    }
    /// All units, in any order; those that cannot be looked at too, of which nothing is known then.
    [[nodiscard]] std::vector<Candidate> scan() const;
    /// Throws where the path does not lead to this directory any more: what is missing here need not be
    /// missing there.
    void check_still_there() const;
    /// Nothing, with errno, where it is not there or cannot be looked at.
    [[nodiscard]] std::optional<Candidate> find(const std::string& name) const;
    /// Nothing where it is not there; throws where that cannot be told.
    [[nodiscard]] std::optional<Candidate> find_for_certain(const std::string& name) const;
    /// Nothing where it is certainly not there; where that cannot be told, a unit of which nothing is known.
    [[nodiscard]] std::optional<Candidate> find_possible(const std::string& name) const;
    [[nodiscard]] files::StopAuthor stop_author() const;
    [[nodiscard]] HandshakeReserve& handshake_reserve() const noexcept { return *handshake_reserve_; }

    /// What became of something that was set aside.
    struct Recovered {
        std::string name;
        std::string quarantined_as;  ///< The name that it has in the quarantine; empty: it is not there.
        std::string error;           ///< Why it stays where it is, until the next start; empty: it does not.
        [[nodiscard]] bool has_its_name() const { return quarantined_as.empty() && error.empty(); }
        bool operator==(const Recovered&) const = default;
    };

    enum class Removal : std::uint8_t {
        removed,
        changed,
        displaced,  ///< Changed, and could not get its name back: another unit may have it.
        in_part,    ///< Of a directory. What is left is not the unit any more.
    };
    struct Removed {
        Removal how = Removal::removed;
        Recovered left;  ///< What became of it, where it is displaced, or of the rest of it.
        bool operator==(Removal expected) const { return how == expected; }
    };
    /// Deletes a unit that was delivered, if it still is what `sent` says and nobody writes to it. It is
    /// first renamed into a dot-directory: whoever opens the name after that makes a new file, whoever had it
    /// open before is seen by the lease. Where nothing of it was deleted, it gets its name back, or a place
    /// in the quarantine. Throws where the kernel refuses to delete it.
    Removed remove(const std::string& name, const Manifest& sent) {
        return Remover(*this).remove(name, sent);
    }

    /// Deletes many units, one after the other, as remove() does. Used by one thread, of several that may
    /// have one each.
    class Remover {
      public:
        explicit Remover(SourceDirectory& source) : source_(source) {}
        Removed remove(const std::string& name, const Manifest& sent);

      private:
        friend class SourceDirectory;

        struct Aside {
            int directory;
            std::string name;
            int error;  ///< 0, or why it is not there.
        };
        Aside set_aside(const std::string& name);
        int doom(Aside& aside, const std::string& name);
        [[nodiscard]] bool is_what_was_sent(const Aside& aside, const Manifest& sent) const;
        ManifestRemoval delete_directory(Aside& aside, const Manifest& sent);
        Removed keep(const Aside& aside, const std::string& name, const ManifestRemoval& removal);

        SourceDirectory& source_;
        process::UniqueFd aside_;   ///< The dot-directory, once it was needed.
        process::UniqueFd doomed_;  ///< In that: the one of directories that are being deleted.
    };

    /// Throws where nothing at all can be removed, whatever the unit.
    void check_removals() const;
    /// Brings to the disk that what was removed has gone, so that a power failure does not bring it back. 0,
    /// or the errno.
    [[nodiscard]] int write_out_removals() const;

    /// Moves a unit to the quarantine, beside whatever is there; returns the name it has there.
    std::string quarantine(const std::string& name);

    /// Moves to the quarantine what a crash left of directories that were delivered and being deleted.
    /// Returns what was found; throws where it cannot be told what there is. To be called before recover().
    std::vector<Recovered> quarantine_half_deleted();
    /// Gives units that a crash left set aside their names back (or a place in the quarantine,
    /// where the name is taken again), and removes the probes that it left. Returns what was set aside;
    /// throws likewise.
    std::vector<Recovered> recover();
    /// Removes the empty dot-directory, and the one for zip files.
    void tidy();

    /// A dot-directory in which zip files of units may be made; it is empty when the process starts.
    [[nodiscard]] std::filesystem::path make_zip_directory();
    void remove_zip(const std::string& zip_name);

  private:
    Recovered recover_to_quarantine(int directory_fd, const std::string& name, const std::string& as);
    Recovered recover(int directory_fd, const std::string& name, const std::string& as);
    [[nodiscard]] std::vector<std::string> names_after(std::string_view prefix) const;
    [[nodiscard]] process::UniqueFd open_left_aside(const std::string& path) const;
    std::string quarantine_from(int directory_fd, const std::string& name, const std::string& as);

    std::filesystem::path path_;
    config::OutgoingSettings outgoing_;
    files::UnitNames unit_names_;
    process::UniqueFd fd_;
    std::unique_ptr<HandshakeReserve> handshake_reserve_;
    HardLinks links_;
};

}  // namespace mistamover::stream
