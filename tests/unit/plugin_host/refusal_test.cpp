// SPDX-License-Identifier: BSD-3-Clause
#include <array>
#include <doctest/doctest.h>

#include "test_plugin.hpp"

namespace mistamover::plugin_host {
namespace {

constexpr OptionSpec one_option{"port", OptionType::integer, "21", "The port"};

PluginDescriptor good_descriptor() {
    return {plugin_magic,
            sizeof(PluginDescriptor),
            sdk_major,
            sdk_minor,
            static_cast<std::uint32_t>(abi_fields.size()),
            abi_fields.data(),
            "name",
            "1",
            "summary",
            &one_option,
            1,
            0,
            [](const ModuleSettings&, Status&) noexcept -> border::Module* { return nullptr; }};
}

}  // namespace

TEST_CASE("a descriptor of this SDK and ABI is not refused") {
    CHECK(refusal(good_descriptor()).empty());
}

TEST_CASE("nothing but magic, version and size is looked at where these are wrong") {
    PluginDescriptor descriptor = good_descriptor();
    descriptor.abi_field_count = 1000;  // reading these would crash
    descriptor.abi_fields = nullptr;
    descriptor.options = nullptr;
    const std::string minor = std::to_string(sdk_minor);
    SUBCASE("magic") {
        descriptor.magic = 0;
        CHECK(contains(refusal(descriptor), "not a MiStaMover plugin"));
    }
    SUBCASE("major") {
        descriptor.sdk_major = sdk_major + 1;
        CHECK(contains(refusal(descriptor),
                       "built for version 2." + minor + " of the plugin SDK, this program has 1." + minor));
    }
    SUBCASE("earlier major") {
        descriptor.sdk_major = sdk_major - 1;
        CHECK(contains(refusal(descriptor), "built for version 0." + minor + " of the plugin SDK"));
    }
    SUBCASE("minor") {
        descriptor.sdk_minor = sdk_minor + 1;
        CHECK(contains(refusal(descriptor), "built for version 1." + std::to_string(sdk_minor + 1) +
                                                " of the plugin SDK, this program has 1." + minor));
    }
    SUBCASE("size") {
        descriptor.size = 8;
        CHECK(contains(refusal(descriptor), "8 bytes"));
    }
    SUBCASE("no fingerprint") {
        CHECK(contains(refusal(descriptor), "no ABI fingerprint"));
    }
}

TEST_CASE("every ABI field counts, and every difference is told") {
    for (std::size_t changed = 0; changed < abi_fields.size(); ++changed) {
        auto fields = abi_fields;
        fields.at(changed).value += 1;
        PluginDescriptor descriptor = good_descriptor();
        descriptor.abi_fields = fields.data();
        const std::string expected = std::string(fields.at(changed).name) + ": plugin " +
                                     std::to_string(fields.at(changed).value) + ", core " +
                                     std::to_string(abi_fields.at(changed).value);
        CHECK(contains(refusal(descriptor), "(" + expected + ")"));
    }
    auto fields = abi_fields;
    fields.front().value += 1;
    fields.back().value += 1;
    PluginDescriptor descriptor = good_descriptor();
    descriptor.abi_fields = fields.data();
    const std::string text = refusal(descriptor);
    CHECK(contains(text, fields.front().name));
    CHECK(contains(text, fields.back().name));
    CHECK_FALSE(contains(text, fields.at(1).name));
}

TEST_CASE("a field that only one side has is a difference") {
    PluginDescriptor descriptor = good_descriptor();
    descriptor.abi_field_count -= 1;
    CHECK(
        contains(refusal(descriptor), std::string(abi_fields.back().name) + ": plugin does not say, core "));

    std::array<AbiField, abi_fields.size() + 1> more{};
    std::copy(abi_fields.begin(), abi_fields.end(), more.begin());
    more.back() = {"phase of the moon", 3};
    descriptor.abi_fields = more.data();
    descriptor.abi_field_count = static_cast<std::uint32_t>(more.size());
    CHECK(contains(refusal(descriptor), "phase of the moon: plugin 3, core does not know it"));
}

TEST_CASE("a descriptor without its contents is refused") {
    PluginDescriptor descriptor = good_descriptor();
    OptionSpec option = one_option;
    descriptor.options = &option;
    CHECK(refusal(descriptor).empty());
    SUBCASE("name") {
        descriptor.name = "";
    }
    SUBCASE("version") {
        descriptor.version = nullptr;
    }
    SUBCASE("summary") {
        descriptor.summary = nullptr;
    }
    SUBCASE("factory") {
        descriptor.create = nullptr;
    }
    SUBCASE("options") {
        descriptor.options = nullptr;
    }
    SUBCASE("option name") {
        option.name = nullptr;
    }
    SUBCASE("option help") {
        option.help = nullptr;
    }
    SUBCASE("option type") {
        option.type = static_cast<OptionType>(77);
    }
    SUBCASE("option choices") {
        option.type = OptionType::enumeration;
    }
    CHECK_FALSE(refusal(descriptor).empty());
}

}  // namespace mistamover::plugin_host
