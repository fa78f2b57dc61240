// SPDX-License-Identifier: BSD-3-Clause
#include "stream/requirements.hpp"

#include <doctest/doctest.h>

namespace mistamover::stream {
namespace {

const Capabilities everything = Capability::list | Capability::remove | Capability::rename |
                                Capability::make_directory | Capability::publish_rename |
                                Capability::checksum | Capability::mirror;

Capabilities everything_but(Capability missing) {
    Capabilities rest;
    for (unsigned bit = 0; bit < 32; ++bit) {
        const auto capability = static_cast<Capability>(1U << bit);
        if (everything.has(capability) && capability != missing) {
            rest = rest | capability;
        }
    }
    return rest;
}

config::OutgoingSettings mirroring() {
    config::OutgoingSettings settings;
    settings.mode = TransferMode::mirror;
    return settings;
}

// Part of the text of the refusal; empty where there is none.
std::string refusal(const config::OutgoingSettings& settings, Capabilities capabilities) {
    const Status status = check_requirements(settings, capabilities);
    if (!status.ok()) {
        CHECK(status.scope() == StatusScope::stream);
        CHECK(status.code() == StatusCode::configuration);
    }
    return std::string(status.text());
}

bool mentions(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a target that can do everything can carry out every configuration") {
    config::OutgoingSettings settings;
    CHECK(refusal(settings, everything).empty());
    settings.verify = config::Verify::checksum;
    settings.directories = config::DirectoryForm::tree;
    CHECK(refusal(settings, everything).empty());
    CHECK(refusal(mirroring(), everything).empty());
}

TEST_CASE("the proof that is asked for must be possible") {
    config::OutgoingSettings settings;
    CHECK(refusal(settings, everything_but(Capability::checksum)).empty());
    settings.verify = config::Verify::checksum;
    CHECK(mentions(refusal(settings, everything_but(Capability::checksum)), "outgoing.verify: size"));
}

TEST_CASE("without renaming, publishing directly must be chosen") {
    config::OutgoingSettings settings;
    CHECK(
        mentions(refusal(settings, everything_but(Capability::publish_rename)), "outgoing.publish: direct"));
    settings.publish = Publish::direct;
    CHECK(refusal(settings, everything_but(Capability::publish_rename)).empty());
}

TEST_CASE("by the arrivals protocol the receiver gives the proof, and nothing need be renamed") {
    config::OutgoingSettings settings;
    settings.target_uses_arrival_monitor = true;
    settings.verify = config::Verify::checksum;
    CHECK(refusal(settings, {}).empty());
}

TEST_CASE("trees need directories and their renaming, unless they are published directly or zipped") {
    config::OutgoingSettings settings;
    settings.directories = config::DirectoryForm::tree;
    CHECK(mentions(refusal(settings, everything_but(Capability::rename)), "outgoing.directories: zip"));
    CHECK(
        mentions(refusal(settings, everything_but(Capability::make_directory)), "outgoing.directories: zip"));
    settings.publish = Publish::direct;
    CHECK(refusal(settings, everything_but(Capability::rename)).empty());
    settings.publish = Publish::rename;
    for (const auto form : {config::DirectoryForm::automatic, config::DirectoryForm::zip}) {
        settings.directories = form;
        CHECK(refusal(settings, everything_but(Capability::rename)).empty());
    }
}

TEST_CASE("a mirror needs listing and removing, or does it natively, but not with checksums") {
    const Capabilities simple = Capability::publish_rename;
    CHECK(mentions(refusal(mirroring(), simple), "cannot be made a mirror"));
    CHECK(mentions(refusal(mirroring(), simple | Capability::list), "outgoing.mirror_delete: false"));
    config::OutgoingSettings keeping = mirroring();
    keeping.mirror_delete = false;
    CHECK(refusal(keeping, simple | Capability::list).empty());
    CHECK(refusal(mirroring(), simple | Capability::mirror).empty());
    config::OutgoingSettings checking = mirroring();
    checking.verify = config::Verify::checksum;
    CHECK(mentions(refusal(checking, simple | Capability::mirror | Capability::checksum),
                   "cannot be made a mirror"));
}

}  // namespace mistamover::stream
