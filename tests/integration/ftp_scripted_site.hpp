// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <doctest/doctest.h>
#include <set>
#include <string>

#include "faulty_site.hpp"
#include "ftp_site.hpp"
#include "servers/scripted_ftp.hpp"

namespace mistamover::test {

/// A stream by one session at a time, so that it meets a script's steps in their order.
struct ScriptedSite : Site {
    explicit ScriptedSite(const std::string& outgoing = "", const std::string& options = "") {
        const auto more = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
        add_stream_with("p",
                        "plugin: ftp, target_host: 127.0.0.1, parallel_transfers: 1, retry_delay: 20ms, "
                        "target_dir: " +
                            target().string() + more(outgoing),
                        "ftp: {port: " + std::to_string(server.port()) + more(options) + "}");
    }
    [[nodiscard]] std::string logs() const { return ftp_logs(*this) + server.log(); }
    [[nodiscard]] std::size_t times_gone_on() const { return count_of("goes on with", log("ftp_p")); }

    /// Writes files of these names. They and all earlier ones arrive under their own names, nothing else is
    /// left at the target, none is given up, and the whole script has been met.
    void check_carries(const std::set<std::string>& names) {
        for (const std::string& name : names) {
            write_file(source() / name, name);
        }
        expected_.insert(names.begin(), names.end());
        REQUIRE_MESSAGE(eventually([&] { return all_arrived(); }), logs());
        for (const std::string& name : expected_) {
            CHECK(read_file(target() / name) == name);
        }
        CHECK_FALSE(std::filesystem::exists(source() / "quarantine"));
        CHECK_MESSAGE(server.script_done(), logs());
    }
    /// The same of a file `f` large enough to be gone on with.
    void check_carries_large() {
        const std::string content = megabytes(30);
        write_file(source() / "f", content);
        expected_ = {"f"};
        const Daemon daemon(*this);
        REQUIRE_MESSAGE(eventually([&] { return all_arrived(); }), logs());
        CHECK((read_file(target() / "f") == content));
        CHECK_FALSE(std::filesystem::exists(source() / "quarantine"));
        CHECK_MESSAGE(server.script_done(), logs());
    }
    void check_without_a_word() const {
        for (const char* level : {"WARNING", "ERROR", "CRITICAL"}) {
            CHECK_MESSAGE(ftp_logs(*this).find(level) == std::string::npos, logs());
        }
    }

    ScriptedFtp server;

  private:
    [[nodiscard]] bool all_arrived() const {
        return std::none_of(
                   expected_.begin(), expected_.end(),
                   [&](const std::string& name) { return std::filesystem::exists(source() / name); }) &&
               files_below(target()) == expected_;
    }

    std::set<std::string> expected_;
};

}  // namespace mistamover::test
