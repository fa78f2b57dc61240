// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The one symbol that a plugin exports, and the line that declares it:
///
///     MISTAMOVER_PLUGIN(MyModule, "mine", "1.0.0", "Carries files by my protocol", my_options,
///                       Capability::list | Capability::remove)
///
/// where MyModule derives from TransferModule and has a constructor that takes `const ModuleSettings&`, and
/// my_options is an array of OptionSpec with static storage (std::array<OptionSpec, 0> where there are no
/// options). The line stands at namespace scope in one source file of the plugin.

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>

#include <mistamover/transfer_module.hpp>

namespace mistamover {

inline constexpr std::uint32_t plugin_magic = 0x4d4d5047;  // "MMPG"
inline constexpr std::uint16_t sdk_major = 1;
inline constexpr std::uint16_t sdk_minor = 1;
inline constexpr char descriptor_symbol[] = "mistamover_plugin_descriptor";

/// One fact on which the two sides of the border must agree.
struct AbiField {
    const char* name;
    std::uint64_t value;
};

#if defined(__has_feature)
#define MISTAMOVER_HAS_FEATURE(feature) __has_feature(feature)
#else
#define MISTAMOVER_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || MISTAMOVER_HAS_FEATURE(address_sanitizer)
#define MISTAMOVER_ABI_ADDRESS_SANITIZER 1
#else
#define MISTAMOVER_ABI_ADDRESS_SANITIZER 0
#endif
#if defined(__SANITIZE_THREAD__) || MISTAMOVER_HAS_FEATURE(thread_sanitizer)
#define MISTAMOVER_ABI_THREAD_SANITIZER 1
#else
#define MISTAMOVER_ABI_THREAD_SANITIZER 0
#endif
#if defined(__GLIBCXX__)
#define MISTAMOVER_ABI_LIBSTDCXX 1
#define MISTAMOVER_ABI_CXX11_STRING _GLIBCXX_USE_CXX11_ABI
#else
#define MISTAMOVER_ABI_LIBSTDCXX 0
#define MISTAMOVER_ABI_CXX11_STRING 0
#endif
#if defined(_GLIBCXX_DEBUG)
#define MISTAMOVER_ABI_DEBUG_CONTAINERS 1
#else
#define MISTAMOVER_ABI_DEBUG_CONTAINERS 0
#endif

// From 1002 on, later values stand for changes to corner cases that the border does not have, and clang never
// says more.
#if __GXX_ABI_VERSION >= 1002
#define MISTAMOVER_ABI_CXX 1002
#else
#define MISTAMOVER_ABI_CXX __GXX_ABI_VERSION
#endif

/// The ABI as this translation unit was compiled. The same fields, in name and number, within a major
/// version.
inline constexpr std::array abi_fields{
    AbiField{"C++ ABI version", MISTAMOVER_ABI_CXX},
    AbiField{"libstdc++", MISTAMOVER_ABI_LIBSTDCXX},
    AbiField{"libstdc++ C++11 strings", MISTAMOVER_ABI_CXX11_STRING},
    AbiField{"libstdc++ debug containers", MISTAMOVER_ABI_DEBUG_CONTAINERS},
    AbiField{"AddressSanitizer", MISTAMOVER_ABI_ADDRESS_SANITIZER},
    AbiField{"ThreadSanitizer", MISTAMOVER_ABI_THREAD_SANITIZER},
    AbiField{"size of a pointer", sizeof(void*)},
    AbiField{"size of Status", sizeof(Status)},
    AbiField{"size of OptionSpec", sizeof(OptionSpec)},
    AbiField{"size of ModuleSettings", sizeof(ModuleSettings)},
    AbiField{"size of PutItem", sizeof(PutItem)},
    AbiField{"size of PutRequest", sizeof(PutRequest)},
    AbiField{"size of PutReport", sizeof(PutReport)},
    AbiField{"size of EntryInfo", sizeof(EntryInfo)},
    AbiField{"size of MirrorRequest", sizeof(MirrorRequest)},
};

/// What a plugin exports as `mistamover_plugin_descriptor`. Plain data: it can be read, and refused, before
/// any of the plugin's functions is called. Fields are appended within a major version; `size` tells how many
/// there are.
struct PluginDescriptor {
    std::uint32_t magic;
    std::uint32_t size;  ///< sizeof(PluginDescriptor) where the plugin was compiled.
    std::uint16_t sdk_major;
    std::uint16_t sdk_minor;
    std::uint32_t abi_field_count;
    const AbiField* abi_fields;
    const char* name;
    const char* version;
    const char* summary;  ///< One line.
    const OptionSpec* options;
    std::uint32_t option_count;
    std::uint32_t capabilities;  ///< Bits of Capability: all that some server may offer.
    /// The new module, the caller's to release(); nullptr and a Status where the settings do not fit
    /// together.
    border::Module* (*create)(const ModuleSettings& settings, Status& status) noexcept;
};

namespace detail {

template <typename ModuleType>
border::Module* create_module(const ModuleSettings& settings, Status& status) noexcept {
    border::Module* made = nullptr;
    status = guarded(
        [&] {
            made = std::make_unique<ModuleType>(settings).release();
            return Status{};
        },
        StatusScope::stream);
    return made;
}

}  // namespace detail
}  // namespace mistamover

#define MISTAMOVER_PLUGIN(MODULE_TYPE, NAME, VERSION, SUMMARY, OPTIONS, CAPABILITIES)          \
    extern "C" __attribute__((visibility("default")))                                          \
    const ::mistamover::PluginDescriptor mistamover_plugin_descriptor;                         \
    extern "C" constinit const ::mistamover::PluginDescriptor mistamover_plugin_descriptor = { \
        ::mistamover::plugin_magic,                                                            \
        sizeof(::mistamover::PluginDescriptor),                                                \
        ::mistamover::sdk_major,                                                               \
        ::mistamover::sdk_minor,                                                               \
        static_cast<std::uint32_t>(::mistamover::abi_fields.size()),                           \
        ::mistamover::abi_fields.data(),                                                       \
        NAME,                                                                                  \
        VERSION,                                                                               \
        SUMMARY,                                                                               \
        std::data(OPTIONS),                                                                    \
        static_cast<std::uint32_t>(std::size(OPTIONS)),                                        \
        ::mistamover::Capabilities(CAPABILITIES).bits(),                                       \
        &::mistamover::detail::create_module<MODULE_TYPE>,                                     \
    };
