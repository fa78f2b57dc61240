// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "plugin_host/plugin.hpp"
#include "stream/source_directory.hpp"

namespace mistamover::stream {

enum class Outcome : std::uint8_t {
    delivered,  ///< Proved at the target and, in move mode, gone from the source.
    being_written,
    settling,   ///< It changed so lately that it may not be complete: `settle_ms` more are needed.
    changed,    ///< It changed while it was being sent.
    vanished,   ///< Somebody took it away before it was sent.
    failed,     ///< `status` says why; counts against the unit.
    not_tried,  ///< The session or the stream failed first.
};

struct UnitResult {
    std::string name;
    Outcome outcome = Outcome::not_tried;
    std::uint64_t bytes = 0;
    std::int64_t settle_ms = 0;
    Status status;
};

struct BatchResult {
    std::vector<UnitResult> units;
    Status session;                 ///< Of session or stream scope where it is not ok.
    bool target_suspended = false;  ///< The target directory has a .stop file: nothing was sent.
};

/// The way of a batch of units through one session: ready, send, prove, delete. Runs on a worker's thread.
class Delivery {
  public:
    Delivery(SourceDirectory& source, const config::StreamSettings& settings, border::Session& session,
             std::string temp_dir);

    BatchResult deliver(const std::vector<Candidate>& batch);

    /// Removes the stream's own temporary directory at the target and what is in it.
    Status clean_target();

  private:
    struct Item;
    Status look_for_stop_file(bool& there);
    void look_at_sources(std::vector<Item>& items);
    [[nodiscard]] std::int64_t settle_ms_left(const Look& look) const;
    Status send_files(std::vector<Item>& items);
    Status prove_files(std::vector<Item>& items);
    Status send_trees(std::vector<Item>& items);
    Status send_tree(Item& item);
    Status put_tree(Item& item, const std::string& target_name, Publish publish);
    Status prove_tree(Item& item, const std::string& target_name);
    Status make_temp_dir();
    void remove_sources(std::vector<Item>& items);
    Status remove_tree(const std::string& path, int depth);

    SourceDirectory& source_;
    const config::StreamSettings& settings_;
    border::Session& session_;
    Capabilities capabilities_;
    std::string temp_dir_;
    unsigned trees_sent_ = 0;
};

}  // namespace mistamover::stream
