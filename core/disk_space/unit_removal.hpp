// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "disk_space/deletion_plan.hpp"

namespace mistamover::disk_space {

/// What the directory `name` in `directory_fd` would free. Nothing where something in it is in use, cannot be
/// looked at, or lies on another file system: then it may not be deleted. Follows no link and crosses no
/// mount.
std::optional<Gain> gain_of_tree(int directory_fd, const std::string& name);

/// Whether a process has the file open: to delete it would free nothing now. False where the kernel does not
/// tell.
bool in_use(int directory_fd, const std::string& name);

/// Deletes a unit of the directory, if it still is the one that is described and not in use; true where it
/// was deleted. It gets a dot-name first, under which it is looked at once more: another one that has come
/// under its name keeps that. `about_to` is called when it has the dot-name. Follows no link and crosses no
/// mount. Throws std::system_error; what could be deleted of a directory is then gone, and the rest has the
/// dot-name.
bool remove_unit(int directory_fd, const Unit& unit, const std::function<void()>& about_to);

/// The units whose deletion a crash has interrupted, by the dot-names that they have; remove_begun ends it.
std::vector<std::string> deletions_begun(int directory_fd, const std::string& path);
/// Returns what was freed, as far as that is known.
Gain remove_begun(int directory_fd, const std::string& dot_name);
/// The name that the unit had.
std::string name_before(const std::string& dot_name);

}  // namespace mistamover::disk_space
