// SPDX-License-Identifier: BSD-3-Clause
#include "supervisor/status_report.hpp"

#include <Poco/JSON/Parser.h>
#include <doctest/doctest.h>
#include <unistd.h>

namespace mistamover::test {

using Poco::JSON::Object;

TEST_CASE("the report is one line of JSON with every stream and every problem, whatever bytes they hold") {
    supervisor::Children children;
    auto& child = children["p"] = std::make_unique<supervisor::StreamChild>();
    child->stream.name = "p\xff";
    child->stream.settings["outgoing"] = {
        {"plugin", {"local"}}, {"transfer_mode", {"move"}}, {"target_dir", {"/t\xff"}}};
    child->pid = 77;
    child->restarts = 2;
    child->report.state = process::StreamState::backing_off;
    child->report.reason = "line\nbreak and \xff";
    child->report.backlog_units = 5;
    child->report.bytes_per_second = 1'000'000'000'000;
    child->report.last_error = "e";
    child->report.last_error_time = 9;
    const std::string text = supervisor::status_json(children, {}, {}, {{"/f\xff", 1, 2, "q", "wrong"}}, 123);
    CHECK(text.find('\n') == std::string::npos);

    const auto json = Poco::JSON::Parser().parse(text).extract<Object::Ptr>();
    CHECK(json->getValue<int>("pid") == ::getpid());
    CHECK(json->getValue<int>("started") == 123);
    CHECK(json->getArray("configuration_problems")->getElement<std::string>(0) == "/f?:1:2: wrong");
    const auto stream = json->getArray("streams")->getObject(0);
    CHECK(stream->getValue<std::string>("name") == "p?");
    CHECK(stream->getValue<std::string>("target_dir") == "/t?");
    CHECK(stream->getValue<std::string>("state") == "backing-off");
    CHECK(stream->getValue<std::string>("reason") == "line\nbreak and ?");
    CHECK(stream->getValue<std::string>("plugin") == "local");
    CHECK(stream->getValue<std::string>("target_host").empty());
    CHECK(stream->getValue<int>("pid") == 77);
    CHECK(stream->getValue<int>("restarts") == 2);
    CHECK(stream->getValue<int>("backlog_units") == 5);
    CHECK(stream->getValue<Poco::Int64>("bytes_per_second") == 1'000'000'000'000);
    CHECK(stream->getValue<int>("last_error_time") == 9);
}

}  // namespace mistamover::test
