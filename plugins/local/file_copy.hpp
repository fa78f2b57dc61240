// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sys/stat.h>

#include <mistamover/border.hpp>

namespace mistamover::local {

struct CopyResult {
    enum class End : std::uint8_t { complete, source_short, cancelled, read_failed, write_failed };
    End end = End::complete;
    int error = 0;            ///< errno of read_failed and write_failed.
    std::uint64_t bytes = 0;  ///< Of data; holes are not counted.
};

/// Copies the contents of open files, in the cheapest way that the two file systems allow: sharing the
/// blocks, else inside the kernel, else by reading and writing. It learns from each file what does not work
/// and is therefore best kept for as long as source and target are on the same file systems. Used by one
/// thread.
class FileCopier {
  public:
    /// `paced`: there is a bandwidth limit, so the context is asked before every piece.
    FileCopier(border::SessionContext& context, bool paced) : context_(context), paced_(paced) {}

    /// Copies `source`, which fstat has just found to be `found`, to the empty file `target`; both are at
    /// offset 0. Holes stay holes. Ends early once the context is cancelled. Reports progress to the context.
    CopyResult copy(int source, int target, const struct stat& found);

    /// Gives the buffer back, so that an idle session costs no memory.
    void release_buffer() noexcept { buffer_.reset(); }

  private:
    /// On a page's border: the kernel copies to and from any other place at half the speed. It fits the
    /// second-level cache; larger ones are slower too.
    struct alignas(4096) Buffer {
        std::array<char, 256UL * 1024> bytes;
    };

    bool share_blocks(int source, int target);
    CopyResult copy_sparse(int source, int target, std::uint64_t size);
    void copy_range(int source, int target, std::uint64_t begin, std::uint64_t end, CopyResult& result);
    bool copy_in_kernel(int source, int target, std::uint64_t& begin, std::uint64_t end, CopyResult& result);
    void copy_through_buffer(int source, int target, std::uint64_t begin, std::uint64_t end,
                             CopyResult& result);
    bool may_go_on(std::uint64_t bytes, CopyResult& result);
    void account(std::uint64_t bytes, CopyResult& result);

    border::SessionContext& context_;
    bool paced_;
    bool sharing_works_ = true;
    bool kernel_copy_works_ = true;
    dev_t learnt_about_ = 0;  ///< The source file system that the two flags above are about.
    std::unique_ptr<Buffer> buffer_;
};

}  // namespace mistamover::local
