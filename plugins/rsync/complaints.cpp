// SPDX-License-Identifier: BSD-3-Clause
#include "rsync/complaints.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "rsync/rsync_output.hpp"

namespace mistamover::rsync {
namespace {

constexpr std::string_view by_rsync = "rsync: ";
constexpr std::string_view vanished_source = "file has vanished: ";

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// "rsync: [receiver] mkstemp "/t/.f.aB3dE6" failed: Permission denied (13)". Lines that end with a name of a
// file, whatever that ends with, begin otherwise.
int system_error_in(std::string_view line) {
    const std::size_t open = line.rfind(" (");
    const std::size_t colon = line.rfind(": ", open);
    const bool has_form = line.starts_with(by_rsync) && line.ends_with(')') &&
                          open != std::string_view::npos && colon >= by_rsync.size() && colon < open &&
                          !contains(line.substr(colon, open - colon), "\"");
    if (!has_form) {
        return 0;
    }
    const std::string_view digits = line.substr(open + 2, line.size() - open - 3);
    int number = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return error == std::errc() && stop == digits.data() + digits.size() ? number : 0;
}

// rsync older than 3.2.3 does not say who complains.
bool is_of_source(std::string_view line) {
    if (line.starts_with(vanished_source)) {
        return true;
    }
    if (!line.starts_with(by_rsync)) {
        return false;
    }
    line.remove_prefix(by_rsync.size());
    constexpr std::array<std::string_view, 7> beginnings{
        "[sender] ", "send_files failed ",  "link_stat ", "readlink_stat", "opendir ",
        "readdir",   "read errors mapping "};
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return line.starts_with(beginning); });
}

// What rsync calls one file in its complaints.
class NamesOf {
  public:
    NamesOf(std::string_view path, const std::string& temp_dir)
        : ends_path_('/' + std::string(path) + '"'),
          quoted_('"' + std::string(path) + '"'),
          ends_line_(": " + std::string(path)),
          in_temp_dir_('/' + temp_dir + '/' + std::string(path) + '.'),
          beside_('/' + std::string(path) + '.') {
        beside_.insert(beside_.rfind('/') + 1, 1, '.');
    }
    [[nodiscard]] bool are_in(std::string_view text) const {
        return contains(text, ends_path_) || contains(text, quoted_) || text.ends_with(ends_line_) ||
               has_temporary(text, in_temp_dir_) || has_temporary(text, beside_);
    }

  private:
    // Until it is whole: the beginning, six random letters, and the quotation mark.
    static bool has_temporary(std::string_view text, const std::string& beginning) {
        constexpr std::size_t letters = 6;
        for (std::size_t at = text.find(beginning); at != std::string_view::npos;
             at = text.find(beginning, at + 1)) {
            if (text.find('"', at + beginning.size()) == at + beginning.size() + letters) {
                return true;
            }
        }
        return false;
    }

    std::string ends_path_;
    std::string quoted_;
    std::string ends_line_;
    std::string in_temp_dir_;
    std::string beside_;
};

bool is_of_file_system(int error_number) {
    constexpr std::array numbers{EIO, ENODEV, ENXIO, ENOTCONN, EHOSTDOWN, EHOSTUNREACH, ETIMEDOUT, ESTALE};
    return std::find(numbers.begin(), numbers.end(), error_number) != numbers.end();
}

StatusCode code_of(const Complaint& complaint) {
    const bool has_gone = complaint.text.starts_with(vanished_source) || complaint.number == ENOENT ||
                          complaint.number == ENOTDIR;
    if (complaint.of_source && has_gone) {
        return StatusCode::source_changed;
    }
    // rsync gives no number where a directory is in the way, as its only case.
    return complaint.number == 0 ? StatusCode::exists : status_from_errno(complaint.number, "").code();
}

Status item_status(const Complaint& complaint, const std::string& what) {
    const std::string done = complaint.of_source ? what + " cannot be read" : "the target refused " + what;
    return {code_of(complaint), StatusScope::item, done + ": " + complaint.text, complaint.number};
}

}  // namespace

std::vector<std::string_view> lines_in(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        lines.push_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

Complaint::Complaint(std::string_view line)
    : text(unescaped(line)), number(system_error_in(line)), of_source(is_of_source(line)) {}

Complaints::Complaints(std::string_view errors, std::string_view temp_dir) : temp_dir_(temp_dir) {
    for (const std::string_view line : lines_in(errors)) {
        if (!line.empty()) {
            complaints_.emplace_back(line);
        }
    }
}

bool Complaints::tell_of(int error_number) const {
    return std::any_of(complaints_.begin(), complaints_.end(),
                       [&](const Complaint& complaint) { return complaint.number == error_number; });
}

Status Complaints::session_failure(const Complaint& complaint) const {
    const int number = complaint.number;
    if (number == 0) {
        return {};
    }
    const auto status = [&](StatusCode code, const char* what) {
        return Status(code, StatusScope::session, std::string(what) + ": " + complaint.text, number);
    };
    const StatusCode code = status_from_errno(number, "").code();
    const bool is_of_machine = status_from_errno(number, "").scope() == StatusScope::session;
    if (complaint.of_source) {
        return is_of_machine ? status(code, "the source cannot be read") : Status{};
    }
    if (code == StatusCode::no_space) {
        return status(code, "the target is full");
    }
    if (number == EROFS) {
        return status(code, "the target is read-only");
    }
    // Of a file, that is: a connection may fail with the same numbers.
    if (is_of_file_system(number) && contains(complaint.text, "\"")) {
        return status(StatusCode::unreachable, "the file system of the target fails");
    }
    if (number == ENOENT && !temp_dir_.empty() && contains(complaint.text, '/' + temp_dir_ + '/')) {
        return status(StatusCode::unreachable, "the directory of temporary files has gone from the target");
    }
    return is_of_machine ? status(code, "the target's machine is short of something") : Status{};
}

Status Complaints::of_session() const {
    for (const Complaint& complaint : complaints_) {
        if (const Status status = session_failure(complaint); !status.ok()) {
            return status;
        }
    }
    return {};
}

bool Complaints::deny_access() const {
    return std::any_of(complaints_.begin(), complaints_.end(), [](const Complaint& complaint) {
        return !complaint.of_source && (complaint.number == EACCES || complaint.number == EPERM);
    });
}

Status Complaints::of_item(std::string_view path) const {
    const std::string name(path);
    const NamesOf names(path, temp_dir_);
    const auto own = std::find_if(complaints_.begin(), complaints_.end(),
                                  [&](const Complaint& complaint) { return names.are_in(complaint.text); });
    if (own != complaints_.end()) {
        return item_status(*own, name);
    }
    return {StatusCode::unsupported, StatusScope::item,
            name + " did not arrive" +
                (complaints_.empty()
                     ? ""
                     : "; rsync complained, maybe of something else: " + complaints_.front().text)};
}

Status Complaints::of_any() const {
    return complaints_.empty() ? Status(StatusCode::unsupported, StatusScope::item, "a part did not arrive")
                               : item_status(complaints_.front(), "a part");
}

}  // namespace mistamover::rsync
