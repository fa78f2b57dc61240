// SPDX-License-Identifier: BSD-3-Clause
#include "local/file_copy.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mistamover::local {
namespace {

using End = CopyResult::End;

// One call copies so much, so that progress is seen and a cancellation is noticed within a second on a slow
// disk.
constexpr std::uint64_t kernel_piece = 16ULL * 1024 * 1024;
// What a small file costs is the number of calls, and one read and one write are the fewest.
constexpr std::uint64_t worth_the_kernel = 64ULL * 1024;
// Bytes of a block in st_blocks, on every file system.
constexpr std::uint64_t stat_block = 512;

off_t as_offset(std::uint64_t bytes) {
    return static_cast<off_t>(bytes);
}

bool is_sparse(const struct stat& found) {
    return static_cast<std::uint64_t>(found.st_blocks) * stat_block <
           static_cast<std::uint64_t>(found.st_size);
}

/// Writes all of it; false with errno set on failure.
bool write_all(int target, const char* data, std::size_t length, std::uint64_t offset) {
    while (length > 0) {
        const ssize_t written = ::pwrite(target, data, length, as_offset(offset));
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return false;
        }
        const auto advance = static_cast<std::size_t>(written);
        data += advance;
        offset += advance;
        length -= advance;
    }
    return true;
}

}  // namespace

CopyResult FileCopier::copy(int source, int target, const struct stat& found) {
    if (found.st_dev != learnt_about_) {
        learnt_about_ = found.st_dev;
        sharing_works_ = true;
        kernel_copy_works_ = true;
    }
    const auto size = static_cast<std::uint64_t>(found.st_size);
    CopyResult result;
    if (size == 0) {
        return result;
    }
    if (sharing_works_ && share_blocks(source, target)) {
        account(size, result);
        return result;
    }
    if (size > worth_the_kernel && is_sparse(found)) {
        return copy_sparse(source, target, size);
    }
    copy_range(source, target, 0, size, result);
    return result;
}

bool FileCopier::share_blocks(int source, int target) {
    if (::ioctl(target, FICLONE, source) == 0) {
        return true;
    }
    // Any other failure may be this file's alone, and the other ways of copying it will tell.
    if (errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL || errno == ENOTTY || errno == ENOSYS) {
        sharing_works_ = false;
    }
    return false;
}

CopyResult FileCopier::copy_sparse(int source, int target, std::uint64_t size) {
    CopyResult result;
    std::uint64_t position = 0;
    while (position < size && result.end == End::complete) {
        const off_t data = ::lseek(source, as_offset(position), SEEK_DATA);
        if (data < 0 && errno == ENXIO) {
            break;  // Nothing but a hole up to the end.
        }
        const off_t hole = data < 0 ? data : ::lseek(source, data, SEEK_HOLE);
        if (hole < 0) {
            copy_range(source, target, position, size, result);
            return result;
        }
        const auto begin = std::min(static_cast<std::uint64_t>(data), size);
        const auto end = std::min(static_cast<std::uint64_t>(hole), size);
        copy_range(source, target, begin, end, result);
        position = end;
    }
    if (result.end == End::complete && ::ftruncate(target, as_offset(size)) != 0) {
        result.end = End::write_failed;
        result.error = errno;
    }
    return result;
}

void FileCopier::copy_range(int source, int target, std::uint64_t begin, std::uint64_t end,
                            CopyResult& result) {
    // Under a bandwidth limit pieces are small, and none must be asked for twice because the kernel would
    // not.
    if (kernel_copy_works_ && !paced_ && end - begin > worth_the_kernel &&
        copy_in_kernel(source, target, begin, end, result)) {
        return;
    }
    copy_through_buffer(source, target, begin, end, result);
}

/// False where the kernel will not, with `begin` at the first byte that is left.
bool FileCopier::copy_in_kernel(int source, int target, std::uint64_t& begin, std::uint64_t end,
                                CopyResult& result) {
    while (begin < end) {
        const std::uint64_t wanted = std::min(end - begin, kernel_piece);
        if (!may_go_on(wanted, result)) {
            return true;
        }
        off_t from = as_offset(begin);
        off_t to = from;
        const ssize_t copied = ::copy_file_range(source, &from, target, &to, wanted, 0);
        if (copied < 0 && errno == EINTR) {
            continue;
        }
        if (copied < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) {
            result.end = End::write_failed;
            result.error = errno;
            return true;
        }
        if (copied < 0) {
            // Reading and writing tells which side it is that fails, if one does.
            kernel_copy_works_ = false;
            return false;
        }
        if (copied == 0) {
            return false;  // Some file systems say so though there is more to read.
        }
        begin += static_cast<std::uint64_t>(copied);
        account(static_cast<std::uint64_t>(copied), result);
    }
    return true;
}

void FileCopier::copy_through_buffer(int source, int target, std::uint64_t begin, std::uint64_t end,
                                     CopyResult& result) {
    if (!buffer_) {
        buffer_ = std::make_unique_for_overwrite<Buffer>();
    }
    char* const buffer = buffer_->bytes.data();
    while (begin < end) {
        const std::uint64_t wanted = std::min<std::uint64_t>(end - begin, buffer_->bytes.size());
        if (!may_go_on(wanted, result)) {
            return;
        }
        const ssize_t got = ::pread(source, buffer, wanted, as_offset(begin));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            result.end = got < 0 ? End::read_failed : End::source_short;
            result.error = got < 0 ? errno : 0;
            return;
        }
        const auto length = static_cast<std::size_t>(got);
        if (!write_all(target, buffer, length, begin)) {
            result.end = End::write_failed;
            result.error = errno;
            return;
        }
        begin += length;
        account(length, result);
    }
}

bool FileCopier::may_go_on(std::uint64_t bytes, CopyResult& result) {
    if (paced_) {
        context_.acquire(bytes);
    }
    if (context_.cancelled()) {
        result.end = End::cancelled;
        return false;
    }
    return true;
}

void FileCopier::account(std::uint64_t bytes, CopyResult& result) {
    result.bytes += bytes;
    context_.progress(bytes);
}

}  // namespace mistamover::local
