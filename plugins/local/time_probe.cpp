// SPDX-License-Identifier: BSD-3-Clause
#include "local/time_probe.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <string>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "local/failure.hpp"

namespace mistamover::local {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t exact = 1;
constexpr std::int64_t of_windows = 100;
constexpr std::int64_t of_fat = 2 * second_ns;
constexpr std::array<std::int64_t, 5> coarser_precisions{of_windows, 1'000, 1'000'000, second_ns, of_fat};

// Of an odd second, and with a digit at each place: each precision makes something else of it.
constexpr timespec telling_time{1'000'000'001, 123'456'789};

std::int64_t nanoseconds_of(const timespec& time) {
    return time.tv_sec * second_ns + time.tv_nsec;
}

/// The precision that makes `kept` of `given`, be it by cutting off or by rounding to the nearest.
std::optional<std::int64_t> precision_between(std::int64_t given, std::int64_t kept) {
    if (kept == given) {
        return exact;
    }
    for (const std::int64_t precision : coarser_precisions) {
        if (given - kept < precision && kept - given <= precision / 2) {
            return precision;
        }
    }
    return std::nullopt;
}

}  // namespace

std::int64_t known_mtime_precision_ns(int directory) {
    struct statfs found = {};
    if (::fstatfs(directory, &found) != 0) {
        return exact;
    }
    switch (static_cast<unsigned long>(found.f_type)) {
        case MSDOS_SUPER_MAGIC:
        case EXFAT_SUPER_MAGIC:
            return of_fat;
        case CIFS_SUPER_MAGIC:
        case SMB2_SUPER_MAGIC:
            return of_windows;
        default:
            return exact;
    }
}

// Once the file is closed, as what is put is: some set the time again then.
std::optional<std::int64_t> tried_mtime_precision_ns(TempDirectory& temp) {
    constexpr std::array<timespec, 2> times{telling_time, telling_time};
    std::string name;
    FileDescriptor file = temp.create_file(name);
    if (!file.valid()) {
        return exact;
    }
    const bool set = ::futimens(file.get(), times.data()) == 0;
    std::optional<std::int64_t> precision = exact;
    struct stat found = {};
    if (!set && is_unkept_attribute(errno)) {
        precision.reset();
    } else if (set && file.close() &&
               ::fstatat(temp.descriptor(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
        precision = precision_between(nanoseconds_of(telling_time), nanoseconds_of(found.st_mtim));
    }
    (void)::unlinkat(temp.descriptor(), name.c_str(), 0);
    temp.leave();
    return precision;
}

}  // namespace mistamover::local
