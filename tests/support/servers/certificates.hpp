// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>

namespace mistamover::test {

/// A self-signed certificate of a server on this machine.
struct Certificate {
    std::string subject = "IP:127.0.0.1,DNS:localhost";  ///< Its subjectAltName.
    bool expired = false;
};

/// Writes it and its key into one PEM file.
void write_certificate(const Certificate& certificate, const std::filesystem::path& file);

}  // namespace mistamover::test
