// SPDX-License-Identifier: BSD-3-Clause
#include "stream/handshake_delivery.hpp"

#include <doctest/doctest.h>

#include "fake_session.hpp"
#include "scratch.hpp"
#include "stream/session_context.hpp"

namespace mistamover::stream {

TEST_CASE("where the journal cannot be written nothing is sent, which counts against no unit") {
    const test::Scratch scratch;
    test::write_file(scratch / "f", "hello");
    test::write_file(scratch / HandshakeReserve::directory_name, "in the way");
    config::StreamSettings settings;
    settings.directory = scratch.path();
    settings.outgoing.control_file_extension = "ctrl";
    settings.outgoing.receipt_file_extension = "rcpt";
    settings.outgoing.quarantine_dir = scratch / "quarantine";
    settings.outgoing.checksum = "md5";
    settings.outgoing.target_uses_arrival_monitor = true;
    SourceDirectory source(settings);
    test::FakeSession session;
    const CancelToken cancel;
    DirectoryDelivery directories(source, settings.outgoing, session, ".tmp", cancel, ZipRoom{});
    HandshakeDelivery delivery(source, settings.outgoing, session, directories, cancel);
    std::vector<Handshake> units(1);
    units[0].result.name = "f";
    units[0].sent = look_at(source.fd(), "f").manifest;
    const Status status = delivery.send(units);
    CHECK(status.scope() == StatusScope::session);
    CHECK(status.text().find(HandshakeReserve::directory_name) != std::string_view::npos);
    CHECK(units[0].result.outcome == Outcome::not_tried);
    CHECK(session.calls.empty());
}

}  // namespace mistamover::stream
