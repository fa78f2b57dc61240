// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "disk_space/deletion_plan.hpp"

namespace mistamover::disk_space {

/// Deletes a unit of the directory, if it still is the one that is described and not in use; true where it
/// was deleted. It gets a dot-name first, under which it is looked at once more: where another one has come
/// under its name, or somebody has opened it, it gets that name back; so it does where `go_on` says false
/// before anything is deleted, or where nothing of it can be. A directory that may go gets another dot-name
/// then, before anything in it goes. `about_to` is called just before, `go_on` again and again while a
/// directory is looked through, and before each of its entries is deleted: false ends it there. Follows no
/// link and crosses no mount. Throws std::system_error; what could be deleted of a directory is then gone,
/// and the rest has the latter dot-name: so it is, too, with ECANCELED, where it was not to go on.
bool remove_unit(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                 const std::function<bool()>& go_on);

/// The latter half of remove_unit, for what has the name looking_name().
bool remove_from_aside(int directory_fd, const Unit& unit, const std::function<void()>& about_to,
                       const std::function<bool()>& go_on);
/// `.mistamover-looking-<inode>-NAME`, cut where that is too long for a name: of what may yet get its name
/// back. Pure.
std::string looking_name(const Unit& unit);
/// `.mistamover-deleting-<inode>-NAME`, cut likewise: of a directory of which something may have gone. Pure.
std::string deleting_name(const Unit& unit);

/// A deletion that a crash has interrupted, as the dot-name tells it.
struct BegunDeletion {
    std::string dot_name;
    std::uint64_t inode = 0;  ///< Of the unit that was to be deleted.
    std::string name;
    bool whole_name = true;  ///< Else `name` may be cut at its end, and cannot be given back.
    bool decided = false;    ///< Its last look had been passed: see deleting_name().
};

struct BegunEnd {
    enum class How : std::uint8_t { deleted, given_back, left };
    How how = How::left;
    std::uint64_t bytes = 0;  ///< That were deleted.
};

/// Those in the directory; a dot-name of another form is none.
std::vector<BegunDeletion> deletions_begun(int directory_fd, const std::string& path);
/// Deletes the rest of a directory whose deletion was decided, if it is that one; another is left, for it may
/// not be whole. Anything else is: it gets its name back, and is left where that is taken or not known.
/// `go_on`, and what it throws: as remove_unit.
BegunEnd end_begun(int directory_fd, const BegunDeletion& begun, const std::function<bool()>& go_on);

}  // namespace mistamover::disk_space
