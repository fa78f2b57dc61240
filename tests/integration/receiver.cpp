// SPDX-License-Identifier: BSD-3-Clause
#include "receiver.hpp"

#include <Poco/MD5Engine.h>
#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>

namespace mistamover::test {

std::string md5_of(const std::string& content) {
    Poco::MD5Engine engine;
    engine.update(content.data(), content.size());
    return Poco::DigestEngine::digestToHex(engine.digest());
}

std::string control_text(const std::string& data_name, const std::string& size, const std::string& checksum,
                         const std::string& receipt_name) {
    return "_start_stager_ctrl_data_\n" + data_name + '\n' + size + '\n' + checksum + '\n' + receipt_name +
           "\n_end_stager_ctrl_data_\n";
}

Receiver::Receiver(const std::string& settings) {
    std::filesystem::create_directories(site_.source());
    std::filesystem::create_directories(incoming());
    write_file(site_.home() / "streams.d/p.yaml",
               "data_stream: {directory: " + site_.source().string() +
                   "}\noutgoing: {plugin: none}\nincoming: {require_arrival_monitor: true, directory: " +
                   incoming().string() + ", " + settings + "}\n");
}

void Receiver::put(const std::filesystem::path& path, const std::string& content) const {
    const std::filesystem::path beside = site_.home() / "being-sent";
    write_file(beside, content);
    std::filesystem::rename(beside, path);
}

void Receiver::announce(const std::string& name, const std::string& content, int attempt) const {
    put(control(name), control_text(name, std::to_string(content.size()), md5_of(content),
                                    receipt(name, attempt).filename().string()));
}

void Receiver::send(const std::string& name, const std::string& content, int attempt) const {
    put(incoming() / name, content);
    announce(name, content, attempt);
}

void Receiver::thank(const std::string& receipt_name, const std::string& thank_you_name) const {
    put(incoming() / thank_you_name,
        "_start_stager_thankyou_\n" + receipt_name + "\n_end_stager_thankyou_\n");
}

std::string Receiver::answer(const std::string& name, const std::string& lines, int attempt) const {
    const std::string expected = "_start_stager_receipt_data_\n" + name + '\n' + lines + '\n';
    const std::string end = "\n_end_stager_receipt_data_\n";
    std::string text;
    const bool came = eventually([&] {
        text = read_file(receipt(name, attempt));
        return !text.empty();
    });
    INFO("receipt: ", text, " log: ", site_.log("mistamover_ctl"), site_.log("arrmon_p"));
    CHECK(came);
    CHECK(text.starts_with(expected));
    CHECK(text.ends_with(end));
    if (!text.starts_with(expected) || !text.ends_with(end)) {
        return "";
    }
    return text.substr(expected.size(), text.size() - expected.size() - end.size());
}

std::string Receiver::accepted(const std::string& name, const std::string& content, int attempt) const {
    return answer(name, "0\n" + std::to_string(content.size()) + '\n' + md5_of(content), attempt);
}

std::set<std::string> Receiver::in_incoming() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(incoming())) {
        if (entry.path() != journal()) {
            names.insert(entry.path().filename().string());
        }
    }
    return names;
}

std::chrono::milliseconds quickest_answer(const Receiver& receiver) {
    using Clock = std::chrono::steady_clock;
    constexpr int files = 10;
    auto quickest = std::chrono::milliseconds::max();
    for (int file = 0; file < files; ++file) {
        const std::string name = "quick" + std::to_string(file);
        receiver.put(receiver.incoming() / name, name);
        const Clock::time_point begin = Clock::now();
        receiver.announce(name, name);
        REQUIRE(eventually([&] { return receiver.is_answered(name); }));
        quickest =
            std::min(quickest, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin));
    }
    return quickest;
}

pid_t monitor_of(const Daemon& daemon) {
    REQUIRE(eventually([&] { return daemon.process("mm:p<") != 0; }));
    return daemon.process("mm:p<");
}

bool gone(const std::filesystem::path& path) {
    return eventually([&] {
        return std::filesystem::symlink_status(path).type() == std::filesystem::file_type::not_found;
    });
}

}  // namespace mistamover::test
