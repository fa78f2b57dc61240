// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/plugin_info_json.hpp"

#include <doctest/doctest.h>
#include <stdexcept>

#include "test_plugin.hpp"

namespace mistamover::plugin_host {

TEST_CASE("a descriptor reads back from its answer with every field") {
    const Plugin plugin(test_plugin("good"));
    const PluginInfo info = info_from_json(info_to_json(plugin.descriptor()));
    CHECK(info.name == "good");
    CHECK(info.version == "1.2.3");
    CHECK(info.summary == "Does nothing, well");
    CHECK(info.sdk_version == std::to_string(sdk_major) + "." + std::to_string(sdk_minor));
    CHECK(info.schema.capabilities == Capabilities(Capability::list).bits());
    REQUIRE(info.schema.options.size() == 3);
    const config::PluginSchema::Option& colour = info.schema.options[0];
    CHECK(colour.name == "colour");
    CHECK(colour.type == OptionType::enumeration);
    CHECK(colour.default_value == "red");
    CHECK(colour.help == "Which \"colour\", in\ttwo | words");
    CHECK(colour.choices == std::vector<std::string>{"red", "green"});
    CHECK_FALSE(colour.required);
    CHECK_FALSE(colour.secret);
    const config::PluginSchema::Option& password = info.schema.options[1];
    CHECK_FALSE(password.default_value.has_value());
    CHECK(password.choices.empty());
    CHECK(password.required);
    CHECK(password.secret);
}

TEST_CASE("a refusal is thrown with its own words") {
    CHECK_THROWS_WITH_AS(info_from_json(refusal_to_json("too \"old\"\n")), "too \"old\"\n", PluginRefused);
}

TEST_CASE("anything but a whole answer is an error that is not a refusal by the library") {
    const Plugin plugin(test_plugin("good"));
    const std::string whole = info_to_json(plugin.descriptor());
    for (const std::string& text :
         {std::string("not json"), std::string("[]"), std::string("{}"), std::string(),
          std::string("{\"name\": 3}"), whole.substr(0, whole.size() / 2)}) {
        CAPTURE(text);
        bool refused = false;
        bool failed = false;
        try {
            info_from_json(text);
        } catch (const PluginRefused&) {
            refused = true;
        } catch (const std::exception&) {
            failed = true;
        }
        CHECK_FALSE(refused);
        CHECK(failed);
    }
}

}  // namespace mistamover::plugin_host
