// SPDX-License-Identifier: BSD-3-Clause
// A descriptor with one thing wrong, chosen by a macro: VARIANT_MAGIC, VARIANT_MAJOR, VARIANT_MINOR,
// VARIANT_SIZE or VARIANT_FINGERPRINT.
#include "test_module.hpp"

namespace {

using namespace mistamover;

constexpr auto changed_fields() {
    auto fields = abi_fields;
#ifdef VARIANT_FINGERPRINT
    for (AbiField& field : fields) {
        if (std::string_view(field.name) == "AddressSanitizer") {
            field.value = 1 - field.value;
        }
    }
    fields.back().name = "phase of the moon";
#endif
    return fields;
}

constexpr auto variant_fields = changed_fields();

constexpr PluginDescriptor variant() {
    PluginDescriptor made{plugin_magic,
                          sizeof(PluginDescriptor),
                          sdk_major,
                          sdk_minor,
                          static_cast<std::uint32_t>(variant_fields.size()),
                          variant_fields.data(),
                          VARIANT_NAME,
                          "1",
                          "Has a descriptor with something wrong",
                          test_plugins::idle_options.data(),
                          static_cast<std::uint32_t>(test_plugins::idle_options.size()),
                          0,
                          &detail::create_module<test_plugins::IdleModule>};
#ifdef VARIANT_MAGIC
    made.magic += 1;
#endif
#ifdef VARIANT_MAJOR
    made.sdk_major += 1;
#endif
#ifdef VARIANT_MINOR
    made.sdk_minor += 1;
#endif
#ifdef VARIANT_SIZE
    made.size -= 8;
#endif
    return made;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const PluginDescriptor mistamover_plugin_descriptor;
extern "C" constexpr PluginDescriptor mistamover_plugin_descriptor = variant();
