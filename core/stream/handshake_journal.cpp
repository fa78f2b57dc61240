// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_journal.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "arrivals/handshake_names.hpp"
#include "files/directory_names.hpp"
#include "process/throw_errno.hpp"
#include "process/unique_fd.hpp"

namespace mistamover::stream {
namespace {

constexpr char drafts_name[] = ".mistamover-handshake";

std::string draft_of(const std::string& name) {
    return std::string(drafts_name) + '/' + name;
}

process::UniqueFd open_draft(int directory_fd, const std::string& draft) {
    constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    return process::UniqueFd(::openat(directory_fd, draft.c_str(), flags, 0644));
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
    : source_(source), control_extension_(settings.control_file_extension) {}

std::string HandshakeJournal::name_of(const arrivals::Control& control) const {
    return arrivals::control_name(control.data_name, control_extension_);
}

ManifestEntry HandshakeJournal::write_text(const std::string& name, const std::string& text) const {
    const std::string draft = draft_of(name);
    process::UniqueFd file = open_draft(source_.fd(), draft);
    if (!file.valid() && errno == ENOENT) {
        (void)::mkdirat(source_.fd(), drafts_name, 0700);
        file = open_draft(source_.fd(), draft);
    }
    struct stat info {};
    const ssize_t written = file.valid() ? ::write(file.get(), text.data(), text.size()) : -1;
    if (written >= 0 && static_cast<std::size_t>(written) < text.size()) {
        errno = ENOSPC;
    }
    if (written != static_cast<ssize_t>(text.size()) || ::fstat(file.get(), &info) != 0) {
        process::throw_errno("write " + (source_.path() / draft).string());
    }
    return {name, identity_of(info)};
}

ManifestEntry HandshakeJournal::write(const arrivals::Control& control) const {
    const std::string name = name_of(control);
    ManifestEntry entry = write_text(name, to_text(control));
    if (::renameat(source_.fd(), draft_of(name).c_str(), source_.fd(), name.c_str()) != 0) {
        process::throw_errno("write " + (source_.path() / name).string());
    }
    return entry;
}

void HandshakeJournal::check_room() const {
    const std::string name = ".room";
    (void)write_text(name, std::string(arrivals::handshake_file_limit, ' '));
    remove_draft(name);
}

void HandshakeJournal::remove(const arrivals::Control& control, bool may_be_another) const {
    const std::string name = name_of(control);
    if (!may_be_another || small_text(source_.fd(), name) == to_text(control)) {
        ::unlinkat(source_.fd(), name.c_str(), 0);
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
    ::unlinkat(source_.fd(), draft_of(name).c_str(), 0);
}

std::filesystem::path HandshakeJournal::drafts_directory() const {
    return source_.path() / drafts_name;
}

void HandshakeJournal::tidy() const noexcept {
    std::error_code ignored;
    std::filesystem::remove_all(source_.path() / drafts_name, ignored);
}

}  // namespace mistamover::stream
