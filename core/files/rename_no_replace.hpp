// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace mistamover::files {

/// One end of a renaming: a name, or a path, relative to a directory.
struct RenameEnd {
    int directory_fd = -1;
    std::string path;
};

/// Gives `from` the name `to`, which must be free: else EEXIST. 0, or the errno. Nothing is ever replaced,
/// save, where the file system knows neither such a renaming nor links, what gets the name at that very
/// moment.
int rename_no_replace(const RenameEnd& from, const RenameEnd& to);

/// The same in steps, for file systems that cannot do it in one (NFS, some FUSE).
int rename_in_steps(const RenameEnd& from, const RenameEnd& to);

/// Gives `from` a name in a place where nobody else makes any; EEXIST where it is taken even so. Unlike
/// rename_no_replace(), leaves alone on every file system what gets the name `from` meanwhile.
int set_aside(const RenameEnd& from, const RenameEnd& to);

/// The same in steps, for file systems that cannot do it in one.
int set_aside_in_steps(const RenameEnd& from, const RenameEnd& to);

}  // namespace mistamover::files
