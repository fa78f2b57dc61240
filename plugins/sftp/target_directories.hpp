// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sftp/pipeline.hpp"

namespace mistamover::sftp {

/// The directories at the target through which the paths of one put lead. A server follows a link in the
/// midst of a path, so nothing is asked for below a directory that has not been seen to be one, and to lie
/// below such ones up to the root. Each is looked at once. Used by one thread, and outlives the requests that
/// it makes.
class TargetDirectories {
  public:
    /// Ok, or why nothing may be put into the directory.
    using Waiter = std::function<void(const Status&)>;

    /// `root`: the target directory, which may be a link. The pipeline outlives the object.
    TargetDirectories(Pipeline& pipeline, std::string root) : pipeline_(pipeline), root_(std::move(root)) {}
    TargetDirectories(const TargetDirectories&) = delete;
    TargetDirectories& operator=(const TargetDirectories&) = delete;

    /// The caller is about to make this directory, and will settle() what has come of it.
    void expect(const std::string& directory);
    /// What is known of it from now on; a later word changes nothing.
    void settle(const std::string& directory, const Status& status);
    /// Calls `waiter` once with what is known of a directory, the root or one below it: at once, from
    /// Pipeline::pump, or from settle().
    void when_known(const std::string& directory, const Waiter& waiter);

  private:
    struct Directory {
        std::optional<Status> known = {};  ///< Ok: it is a directory.
        std::vector<Waiter> waiters = {};
    };

    void find_out(const std::string& directory);
    void look_at(const std::string& directory);

    Pipeline& pipeline_;
    std::string root_;
    std::unordered_map<std::string, Directory> directories_;
};

/// Of a path with a '/' in it.
std::string parent_directory(const std::string& path);

}  // namespace mistamover::sftp
