// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_journal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>

#include "arrivals/handshake_names.hpp"
#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::stream {
namespace {

std::string draft_of(const std::string& name) {
    return std::string(HandshakeReserve::directory_name) + '/' + name;
}

process::UniqueFd open_draft(int directory_fd, const std::string& draft, int how) {
    constexpr int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
    return process::UniqueFd(::openat(directory_fd, draft.c_str(), flags | how, 0644));
}

// Nothing, with errno, where it cannot be written, or was not opened.
std::optional<Identity> write_whole(const process::UniqueFd& file, const std::string& text) {
    struct stat info {};
    const auto size = static_cast<off_t>(text.size());
    const ssize_t written = file.valid() ? ::pwrite(file.get(), text.data(), text.size(), 0) : -1;
    if (written >= 0 && written < size) {
        errno = ENOSPC;
    }
    if (written != size || ::fstat(file.get(), &info) != 0) {
        return std::nullopt;
    }
    // What the reserve gave was longer.
    if (info.st_size != size && (::ftruncate(file.get(), size) != 0 || ::fstat(file.get(), &info) != 0)) {
        return std::nullopt;
    }
    return identity_of(info);
}

bool is_no_room(int error) {
    return error == ENOSPC || error == EDQUOT;
}

// As far as the file system tells: some tell nothing of blocks, or of inodes.
std::size_t free_files(int directory_fd) {
    struct statvfs info {};
    if (::fstatvfs(directory_fd, &info) != 0 || info.f_blocks == 0) {
        return UINT32_MAX;
    }
    const std::uint64_t by_blocks = info.f_bavail * info.f_frsize / arrivals::handshake_file_limit;
    return info.f_files == 0 ? by_blocks : std::min<std::uint64_t>(by_blocks, info.f_favail);
}

std::optional<std::string> small_text(int directory_fd, const std::string& name) {
    const process::UniqueFd file(
        ::openat(directory_fd, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    std::array<char, arrivals::handshake_file_limit + 1> text{};
    const ssize_t length = ::read(file.get(), text.data(), text.size());
    return length < 0 ? std::nullopt
                      : std::optional(std::string(text.data(), static_cast<std::size_t>(length)));
}

}  // namespace

HandshakeJournal::HandshakeJournal(const SourceDirectory& source, const config::OutgoingSettings& settings)
    : source_(source),
      control_extension_(settings.control_file_extension),
      is_used_(settings.target_uses_arrival_monitor) {}

std::string HandshakeJournal::name_of(const arrivals::Control& control) const {
    return arrivals::control_name(control.data_name, control_extension_);
}

// Without the reserve; nothing, with errno, where that fails.
std::optional<Identity> HandshakeJournal::write_new(const std::string& draft, const std::string& text) const {
    constexpr int anew = O_CREAT | O_TRUNC;
    process::UniqueFd file = open_draft(source_.fd(), draft, anew);
    if (!file.valid() && errno == ENOENT &&
        (::mkdirat(source_.fd(), HandshakeReserve::directory_name, 0700) == 0 || errno == EEXIST)) {
        file = open_draft(source_.fd(), draft, anew);
    }
    return write_whole(file, text);
}

ManifestEntry HandshakeJournal::write_text(const std::string& name, const std::string& text) const {
    const std::string draft = draft_of(name);
    std::optional<Identity> written = write_new(draft, text);
    if (!written && is_no_room(errno) && reserve().take(draft)) {
        written = write_whole(open_draft(source_.fd(), draft, 0), text);
    }
    if (!written) {
        give_up(name, draft);
    }
    return {name, *written};
}

// The draft may be of the reserve, which wants it back.
void HandshakeJournal::give_up(const std::string& name, const std::filesystem::path& file) const {
    const int error = errno;
    remove_draft(name);
    errno = error;
    process::throw_errno("write " + (source_.path() / file).string());
}

ManifestEntry HandshakeJournal::write(const arrivals::Control& control) const {
    const std::string name = name_of(control);
    ManifestEntry entry = write_text(name, to_text(control));
    if (::renameat(source_.fd(), draft_of(name).c_str(), source_.fd(), name.c_str()) != 0) {
        give_up(name, name);
    }
    return entry;
}

// 0 where there is room without the reserve.
int HandshakeJournal::error_of_write() const {
    const std::string draft = draft_of(".room");
    const int error = write_new(draft, std::string(arrivals::handshake_file_limit, ' ')) ? 0 : errno;
    ::unlinkat(source_.fd(), draft.c_str(), 0);
    return error;
}

void HandshakeJournal::check_room() const {
    constexpr std::size_t files_of_a_unit = 2;
    reserve().fill();
    const int error = error_of_write();
    reserve().note_disk(is_no_room(error));
    if (error != 0 && (!is_no_room(error) || reserve().size() < files_of_a_unit)) {
        errno = error;
        process::throw_errno("write in " + drafts_directory().string());
    }
}

std::size_t HandshakeJournal::room() const {
    return reserve().size() + (reserve().disk_is_full() ? 0 : free_files(source_.fd()));
}

void HandshakeJournal::remove(const arrivals::Control& control, bool may_be_another) const {
    const std::string name = name_of(control);
    if (!may_be_another || small_text(source_.fd(), name) == to_text(control)) {
        reserve().remove(name);
    }
}

std::vector<arrivals::Control> HandshakeJournal::all() const {
    std::vector<arrivals::Control> found;
    for (const std::string& name : files::directory_names(source_.fd(), ".", source_.path().string())) {
        if (!arrivals::has_extension(name, control_extension_)) {
            continue;
        }
        const std::optional<std::string> text = small_text(source_.fd(), name);
        std::optional<arrivals::Control> control = text ? arrivals::parse_control(*text) : std::nullopt;
        if (control && arrivals::is_data_name(control->data_name) &&
            arrivals::is_plain_name(control->receipt_name) && name_of(*control) == name) {
            found.push_back(std::move(*control));
        }
    }
    return found;
}

ManifestEntry HandshakeJournal::write_draft(const arrivals::Control& control) const {
    return write_text(name_of(control), to_text(control));
}

ManifestEntry HandshakeJournal::write_draft(const std::string& name,
                                            const arrivals::ThankYou& thank_you) const {
    return write_text(name, to_text(thank_you));
}

void HandshakeJournal::remove_draft(const std::string& name) const noexcept {
    reserve().remove(draft_of(name));
}

std::filesystem::path HandshakeJournal::drafts_directory() const {
    return source_.path() / HandshakeReserve::directory_name;
}

void HandshakeJournal::remove_drafts() const {
    std::vector<std::string> names;
    try {
        names = files::directory_names(source_.fd(), HandshakeReserve::directory_name, "the drafts");
    } catch (const std::system_error&) {
        return;  // there is no such directory, or its drafts stay: nobody looks at them
    }
    for (const std::string& name : names) {
        if (name.starts_with('.')) {
            remove_draft(name);
        }
    }
}

// The reserve first: what it lacks on a full disk, the drafts may be.
void HandshakeJournal::tidy() const noexcept {
    reserve().fill();
    remove_drafts();
}

void HandshakeJournal::leave() const noexcept {
    if (is_used_ && reserve().size() > 0 &&
        (is_no_room(error_of_write()) || free_files(source_.fd()) < HandshakeReserve::most)) {
        remove_drafts();
        return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(drafts_directory(), ignored);
}

}  // namespace mistamover::stream
