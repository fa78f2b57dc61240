// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "program.hpp"

namespace mistamover::test {

/// A site whose streams are sent by the test plugin `faulty`, which goes wrong as it is told
/// (tests/support/plugins/faulty.cpp says how).
class FaultySite : public Site {
  public:
    using Site::Site;

    /// `outgoing` goes into that section, `plugin` into the plugin's own.
    void add_faulty_stream(const std::string& outgoing = "", const std::string& plugin = "",
                           const std::string& name = "p");
    void set_faults(const std::string& lines, const std::string& name = "p") const {
        write_file(target(name) / ".fault", lines);
    }
    void mend(const std::string& name = "p") const { std::filesystem::remove(target(name) / ".fault"); }
    /// How often a fault has been used.
    [[nodiscard]] std::size_t uses(const std::string& name = "p") const;
};

/// The names in a directory, but for the plugin's own files; empty where it is not there.
std::set<std::string> names_in(const std::filesystem::path& directory);

/// The sizes of all the files below a directory, which may be changing.
std::uintmax_t bytes_below(const std::filesystem::path& directory);

/// The paths of all the files below a directory, as seen from it; nothing where it changes meanwhile.
std::optional<std::set<std::string>> files_below(const std::filesystem::path& directory);

/// So many million bytes of which none repeat.
std::string megabytes(std::size_t count);

}  // namespace mistamover::test
