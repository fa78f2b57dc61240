// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include <mistamover/status.hpp>

namespace mistamover::local {

class Tree;

/// The Status of a system call that failed in the target directory. What would fail for every other file too
/// (the disk is full, read-only, gone or broken) is of session scope, so that no file is blamed for it.
Status target_failure(int error_number, std::string_view doing, std::string_view path);

/// The Status of a system call that was to put `path` into `directory` of `target`: of session scope where
/// that directory takes no entry at all.
Status refusal(int error_number, std::string_view doing, std::string_view path, int directory,
               const Tree& target);

/// Whether a refusal to set a mode or a time of a file of our own tells of a file system that keeps none
/// (vfat and CIFS, mounted as somebody else's).
bool is_unkept_attribute(int error_number) noexcept;

}  // namespace mistamover::local
