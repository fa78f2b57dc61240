// SPDX-License-Identifier: BSD-3-Clause
#include "plugin_host/plugin_info_json.hpp"

#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace mistamover::plugin_host {
namespace {

std::string to_text(const Poco::JSON::Object& object) {
    std::ostringstream out;
    object.stringify(out);
    return out.str();
}

Poco::JSON::Array split_choices(const char* choices) {
    Poco::JSON::Array list;
    std::istringstream words(choices == nullptr ? "" : choices);
    for (std::string word; std::getline(words, word, '|');) {
        list.add(word);
    }
    return list;
}

Poco::JSON::Object option_to_json(const OptionSpec& option) {
    Poco::JSON::Object object;
    object.set("name", std::string(option.name));
    object.set("type", static_cast<int>(option.type));
    if (option.default_value != nullptr) {
        object.set("default", std::string(option.default_value));
    }
    object.set("help", std::string(option.help));
    object.set("choices", split_choices(option.choices));
    object.set("required", option.required);
    object.set("secret", option.secret);
    return object;
}

config::PluginSchema::Option option_from_json(const Poco::JSON::Object& object) {
    config::PluginSchema::Option option;
    option.name = object.getValue<std::string>("name");
    option.type = static_cast<OptionType>(object.getValue<std::uint8_t>("type"));
    if (object.has("default")) {
        option.default_value = object.getValue<std::string>("default");
    }
    option.help = object.getValue<std::string>("help");
    const Poco::JSON::Array::Ptr choices = object.getArray("choices");
    for (unsigned int index = 0; choices && index < choices->size(); ++index) {
        option.choices.push_back(choices->getElement<std::string>(index));
    }
    option.required = object.getValue<bool>("required");
    option.secret = object.getValue<bool>("secret");
    return option;
}

PluginInfo info_from_object(const Poco::JSON::Object& object) {
    PluginInfo info;
    info.name = object.getValue<std::string>("name");
    info.version = object.getValue<std::string>("version");
    info.summary = object.getValue<std::string>("summary");
    info.sdk_version = object.getValue<std::string>("sdk_version");
    info.schema.capabilities = object.getValue<std::uint32_t>("capabilities");
    const Poco::JSON::Array::Ptr options = object.getArray("options");
    if (!options) {
        throw std::runtime_error("the answer lists no options");
    }
    for (unsigned int index = 0; index < options->size(); ++index) {
        const Poco::JSON::Object::Ptr option = options->getObject(index);
        if (!option) {
            throw std::runtime_error("the answer has an option that is not an object");
        }
        info.schema.options.push_back(option_from_json(*option));
    }
    return info;
}

}  // namespace

std::string info_to_json(const PluginDescriptor& descriptor) {
    Poco::JSON::Object object;
    object.set("name", std::string(descriptor.name));
    object.set("version", std::string(descriptor.version));
    object.set("summary", std::string(descriptor.summary));
    object.set("sdk_version",
               std::to_string(descriptor.sdk_major) + "." + std::to_string(descriptor.sdk_minor));
    object.set("capabilities", descriptor.capabilities);
    Poco::JSON::Array options;
    for (const OptionSpec& option : std::span(descriptor.options, descriptor.option_count)) {
        options.add(option_to_json(option));
    }
    object.set("options", options);
    return to_text(object);
}

std::string refusal_to_json(const std::string& reason) {
    Poco::JSON::Object object;
    object.set("refused", reason);
    return to_text(object);
}

PluginInfo info_from_json(const std::string& text) {
    std::string refused;
    try {
        Poco::JSON::Parser parser;
        const auto object = parser.parse(text).extract<Poco::JSON::Object::Ptr>();
        if (!object->has("refused")) {
            return info_from_object(*object);
        }
        refused = object->getValue<std::string>("refused");
    } catch (const Poco::Exception& error) {
        throw std::runtime_error(error.displayText());
    }
    throw PluginRefused(refused);
}

}  // namespace mistamover::plugin_host
