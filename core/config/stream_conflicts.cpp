// SPDX-License-Identifier: BSD-3-Clause
#include "config/stream_conflicts.hpp"

#include <map>
#include <set>
#include <string_view>

#include "config/combinations.hpp"
#include "config/keys.hpp"

namespace mistamover::config {
namespace {

constexpr const char* directory_section = "data_stream";
constexpr const char* target_key = "target_dir";

class Search {
  public:
    explicit Search(const std::vector<StreamPaths>& streams) : streams_(streams) {
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            if (!streams_[i].name.empty()) {
                names_.emplace(streams_[i].name, i);
            }
            directories_.emplace(normal_path(streams_[i].directory), i);
            incoming_.emplace(normal_path(streams_[i].incoming_dir), i);
            if (streams_[i].deletion_enabled) {
                add_deletable(i, "incoming", "directory", streams_[i].incoming_dir);
                add_deletable(i, "outgoing", "quarantine_dir", streams_[i].quarantine_dir);
            }
            add_target(i, streams_[i].target);
        }
    }

    std::vector<StreamConflict> run() {
        for (std::size_t i = 0; i < streams_.size(); ++i) {
            check_name(i);
            check_directory(i);
            check_arrivals(i);
            check_target(i);
            check_deletion(i, directory_section, "directory", streams_[i].directory);
            check_deletion(i, "incoming", "directory", streams_[i].incoming_dir);
            check_deletion(i, "outgoing", "quarantine_dir", streams_[i].quarantine_dir);
            if (streams_[i].target.paths_of == local_paths) {
                check_deletion(i, "outgoing", target_key, streams_[i].target.directory);
            }
        }
        return std::move(found_);
    }

  private:
    using Index = std::multimap<std::string, std::size_t>;

    // A directory besides the stream's own of which entries may be deleted, and the key that says where it
    // is.
    struct Deletable {
        std::size_t stream = 0;
        const char* section = "";
        const char* key = "";
        bool by_mirror = false;  // as the target; else for deletion_enabled
    };

    void add(std::size_t stream, std::size_t other, const char* section, const char* key,
             const std::string& before, const std::string& after) {
        const std::string name = " stream `" + shown(streams_[other].name) + "`";
        found_.push_back({stream, other, section, key, before + name + after, false});
    }

    void add_destruction(std::size_t stream, std::size_t other, const char* section, const char* key,
                         const std::string& before, const std::string& after) {
        add(stream, other, section, key, before, after);
        found_.back().destroys = true;
    }

    void check_name(std::size_t i) {
        const auto [first, last] = names_.equal_range(streams_[i].name);
        for (auto same = first; same != last; ++same) {
            if (same->second != i) {
                found_.push_back({i, same->second, "data_stream", "name",
                                  "`" + shown(streams_[i].name) + "` is the name of another stream too",
                                  false});
            }
        }
    }

    // Calls report(stream, whether it has this very directory) for each other stream in whose directory, of
    // those in `directories`, `path` lies.
    template <typename Report>
    void for_each_around(const Index& directories, std::size_t i, const std::string& path,
                         const Report& report) {
        for (std::filesystem::path at = path; !path.empty(); at = at.parent_path()) {
            const auto [first, last] = directories.equal_range(at.string());
            for (auto around = first; around != last; ++around) {
                if (around->second != i) {
                    report(around->second, at == path);
                }
            }
            if (at == at.parent_path()) {
                return;
            }
        }
    }

    void check_directory(std::size_t i) {
        for_each_around(directories_, i, normal_path(streams_[i].directory), [&](std::size_t j, bool same) {
            if (same) {
                add(i, j, "data_stream", "directory", "is the directory of", " too; each needs its own");
            } else {
                add(i, j, "data_stream", "directory", "lies inside the directory of",
                    ", which would send it");
                add(j, i, "data_stream", "directory", "holds the directory of", ", and would send it");
            }
        });
        for_each_around(directories_, i, normal_path(streams_[i].quarantine_dir), [&](std::size_t j, bool) {
            add(i, j, "outgoing", "quarantine_dir", "lies inside the directory of", ", which would send it");
        });
    }

    void check_arrivals(std::size_t i) {
        const std::string incoming = normal_path(streams_[i].incoming_dir);
        for_each_around(directories_, i, incoming, [&](std::size_t j, bool) {
            add(i, j, "incoming", "directory", "lies inside the directory of",
                ", which would send what arrives");
        });
        const auto [first, last] = incoming_.equal_range(incoming);
        for (auto same = first; same != last && !incoming.empty(); ++same) {
            if (same->second != i) {
                add(i, same->second, "incoming", "directory", "is the incoming directory of",
                    " too; each needs its own");
            }
        }
    }

    void add_target(std::size_t i, const StreamTarget& target) {
        if (target.paths_of.empty()) {
            return;
        }
        targets_.emplace(target.directory.string(), i);
        if (target.deletes && target.paths_of == local_paths) {
            deletable_.emplace(target.directory.string(), Deletable{i, "outgoing", target_key, true});
        }
    }

    // Two that move may share a target; but a mirror's is what its source is, and nothing else.
    void check_target(std::size_t i) {
        const StreamTarget& target = streams_[i].target;
        for_each_around(targets_, i, target.directory.string(), [&](std::size_t j, bool same) {
            const StreamTarget& around = streams_[j].target;
            const bool destroys = (target.deletes || around.deletes) && may_share_paths(target, around) &&
                                  may_change(around, target.directory) && !share_by_globs(target, around);
            if (destroys) {
                add_shared_target(i, j);
            }
            if (destroys && !same) {
                add_shared_target(j, i);
            }
        });
    }

    void add_shared_target(std::size_t i, std::size_t j) {
        add_destruction(
            i, j, "outgoing", target_key, "is, holds or lies in the target directory of",
            streams_[i].target.deletes
                ? ", and this mirror would delete what that one delivers: choose another directory, or "
                  "mirror_delete: false"
                : ", a mirror, which would delete what this one delivers: choose another directory, or "
                  "mirror_delete: false there");
    }

    void add_deletable(std::size_t i, const char* section, const char* key,
                       const std::filesystem::path& path) {
        if (!path.empty()) {
            deletable_.emplace(normal_path(path), Deletable{i, section, key, false});
        }
    }

    // Whether what stream `i` delivers on this host comes, by whatever streams, to where `end` takes it from.
    [[nodiscard]] bool feeds(std::size_t i, std::size_t end) const {
        std::set<std::size_t> reached{i};
        std::vector<std::size_t> left{i};
        while (!left.empty()) {
            const StreamTarget& target = streams_[left.back()].target;
            left.pop_back();
            for (std::size_t j = 0; j < streams_.size() && target.paths_of == local_paths; ++j) {
                const std::filesystem::path& source = streams_[j].directory;
                const bool meet = lies_in(source, target.directory) || lies_in(target.directory, source);
                if (meet && reached.insert(j).second) {
                    left.push_back(j);
                }
            }
        }
        return reached.contains(end);
    }

    // A mirror may take what another mirror delivers: what goes there is to go at its own target, too. But
    // not where units arrive there as well, nor where that other one has it back in the end, when each would
    // delete what the other does not have yet.
    [[nodiscard]] bool follows(std::size_t i, std::size_t mirror) const {
        const StreamPaths& stream = streams_[i];
        return stream.mirrors && stream.incoming_dir.empty() &&
               normal_path(stream.directory) == streams_[mirror].target.directory && !feeds(i, mirror);
    }

    // What arrives is delivered to an incoming directory itself; of a mirror's target check_target() tells.
    [[nodiscard]] static bool may_be_target(const Deletable& deletable, bool is_itself) {
        return deletable.by_mirror || (is_itself && deletable.section == std::string_view("incoming"));
    }

    // `path`, which the key of stream `i` sets, must not go when another stream's units are deleted, or what
    // another's source does not have.
    void check_deletion(std::size_t i, const char* section, const char* key,
                        const std::filesystem::path& path) {
        if (path.empty()) {
            return;
        }
        for (std::filesystem::path at = normal_path(path);; at = at.parent_path()) {
            const auto [first, last] = deletable_.equal_range(at.string());
            for (auto around = first; around != last; ++around) {
                const Deletable& other = around->second;
                const bool is_target = key == std::string_view(target_key);
                if (other.stream == i || (is_target && may_be_target(other, at == normal_path(path)))) {
                    continue;
                }
                if (!other.by_mirror) {
                    add_destruction(other.stream, i, other.section, other.key, "is or holds a directory of",
                                    ", which deletion_enabled would have deleted when a disk fills");
                    add_destruction(i, other.stream, section, key, "is, or lies in, a directory of",
                                    ", of which deletion_enabled has everything deleted when a disk fills");
                } else if (may_change(streams_[other.stream].target, path) &&
                           !(section == std::string_view(directory_section) && follows(i, other.stream))) {
                    add_destruction(other.stream, i, other.section, other.key, "is or holds a directory of",
                                    ", which the mirror would delete, or empty");
                    add_destruction(i, other.stream, section, key, "is, or lies in, the target directory of",
                                    ", a mirror, which would delete it, or empty it");
                }
            }
            if (at == at.parent_path()) {
                return;
            }
        }
    }

    const std::vector<StreamPaths>& streams_;
    Index names_;
    Index directories_;
    Index incoming_;
    Index targets_;
    std::multimap<std::string, Deletable> deletable_;
    std::vector<StreamConflict> found_;
};

}  // namespace

std::vector<StreamConflict> stream_conflicts(const std::vector<StreamPaths>& streams) {
    return Search(streams).run();
}

}  // namespace mistamover::config
