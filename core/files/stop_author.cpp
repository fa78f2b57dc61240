// SPDX-License-Identifier: BSD-3-Clause
#include "files/stop_author.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "process/unique_fd.hpp"

namespace mistamover::files {
namespace {

constexpr std::string_view disk_space_author = "disk_space_monitor ";
constexpr std::size_t longest_content = 512;

// The second that the line ends with; -1: this is no line of the monitor's.
std::int64_t second_in(std::string_view content) {
    const std::size_t space = content.rfind(' ');
    if (!content.starts_with(disk_space_author) || !content.ends_with('\n') ||
        space < disk_space_author.size()) {
        return -1;
    }
    const std::string_view digits = content.substr(space + 1, content.size() - space - 2);
    std::int64_t second = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), second);
    return error == std::errc{} && end == digits.data() + digits.size() ? second : -1;
}

}  // namespace

StopAuthor stop_author(int directory_fd, const std::string& path) {
    const process::UniqueFd file(
        ::openat(directory_fd, path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) {
        return errno == ENOENT || errno == ENOTDIR ? StopAuthor::none : StopAuthor::somebody_else;
    }
    struct stat info {};
    std::array<char, longest_content> buffer{};
    const ssize_t length = ::pread(file.get(), buffer.data(), buffer.size(), 0);
    if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) || length <= 0 || length != info.st_size) {
        return StopAuthor::somebody_else;
    }
    const std::int64_t second = second_in({buffer.data(), static_cast<std::size_t>(length)});
    return second >= 0 && info.st_mtim.tv_sec == second && info.st_mtim.tv_nsec == 0
               ? StopAuthor::disk_space_monitor
               : StopAuthor::somebody_else;
}

std::string disk_space_stop_text(const std::string& label, std::int64_t second) {
    return std::string(disk_space_author) + label + ' ' + std::to_string(second) + '\n';
}

}  // namespace mistamover::files
