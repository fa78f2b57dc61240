// SPDX-License-Identifier: BSD-3-Clause
#include "ftp/ftp_reply.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>

namespace mistamover::ftp {
namespace {

// A server's banner may be long, but not endless.
constexpr std::size_t longest_reply = 1024UL * 1024;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::optional<int> code_of(std::string_view line) {
    if (line.size() < 3 || line[0] < '1' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]) ||
        (line.size() > 3 && line[3] != ' ' && line[3] != '-')) {
        return std::nullopt;
    }
    return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

std::string text_of(std::string_view line) {
    return std::string(line.substr(std::min<std::size_t>(line.size(), 4)));
}

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end != text.data() ? std::optional(number) : std::nullopt;
}

std::string upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

bool starts_with_word(const std::string& line, std::string_view word) {
    return line.starts_with(word) && (line.size() == word.size() || line[word.size()] == ' ');
}

void note_feature(const std::string& line, Features& features) {
    features.mlst = features.mlst || starts_with_word(line, "MLST");
    features.mdtm = features.mdtm || starts_with_word(line, "MDTM");
    features.mfmt = features.mfmt || starts_with_word(line, "MFMT");
    features.size = features.size || starts_with_word(line, "SIZE");
    features.rest_stream = features.rest_stream || line.starts_with("REST STREAM");
    features.utf8 = features.utf8 || starts_with_word(line, "UTF8");
    features.epsv = features.epsv || starts_with_word(line, "EPSV");
    features.md5 = features.md5 || starts_with_word(line, "XMD5");
    features.sha256 = features.sha256 || starts_with_word(line, "XSHA256");
    if (starts_with_word(line, "HASH")) {
        features.hash_md5 = line.find("MD5") != std::string::npos;
        features.hash_sha256 = line.find("SHA-256") != std::string::npos;
        features.md5 = features.md5 || features.hash_md5;
        features.sha256 = features.sha256 || features.hash_sha256;
    }
}

std::vector<std::string> digest_words(std::string_view text, std::size_t digits) {
    const auto is_hex = [](unsigned char c) { return std::isxdigit(c) != 0; };
    std::vector<std::string> words;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        std::string word(text.substr(at, end - at));
        if (word.size() == digits && std::all_of(word.begin(), word.end(), is_hex)) {
            std::transform(word.begin(), word.end(), word.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            words.push_back(std::move(word));
        }
        at = end + 1;
    }
    return words;
}

/// Where the line shows this path last, as words of their own, in quotes or behind other directories.
std::size_t place_of_path(std::string_view line, std::string_view path) {
    constexpr std::string_view edges = " /\"'";
    if (path.empty()) {
        return std::string_view::npos;
    }
    std::size_t at = line.rfind(path);
    while (at != std::string_view::npos) {
        const std::size_t end = at + path.size();
        const bool begins = at == 0 || edges.find(line[at - 1]) != std::string_view::npos;
        if (begins && (end == line.size() || edges.find(line[end]) != std::string_view::npos)) {
            return at;
        }
        at = at == 0 ? std::string_view::npos : line.rfind(path, at - 1);
    }
    return at;
}

/// The line without the path, or its last part, unless that is all there is: then it is no path.
std::string without_path(const std::string& line, std::string_view path) {
    for (const std::string_view shown : {path, path.substr(path.rfind('/') + 1)}) {
        const std::size_t at = place_of_path(line, shown);
        if (at == std::string::npos) {
            continue;
        }
        std::string rest = line.substr(0, at) + ' ' + line.substr(at + shown.size());
        if (rest.find_first_not_of(' ') != std::string::npos) {
            return rest;
        }
    }
    return line;
}

}  // namespace

bool ReplyParser::take_line(std::string& line) {
    const std::size_t end = buffer_.find('\n');
    if (unfinished_bytes_ + std::min(end, buffer_.size()) > longest_reply) {
        throw std::runtime_error("the server's reply has no end");
    }
    if (end == std::string::npos) {
        return false;
    }
    line = buffer_.substr(0, end);
    if (!line.empty() && line.back() == '\r') {
        line.pop_back();
    }
    buffer_.erase(0, end + 1);
    unfinished_bytes_ += end + 1;
    return true;
}

std::optional<Reply> ReplyParser::take() {
    std::string line;
    while (take_line(line)) {
        const std::optional<int> code = code_of(line);
        if (unfinished_.code == 0) {
            if (!code) {
                throw std::runtime_error("this is not an FTP server: it says \"" + line.substr(0, 100) + '"');
            }
            unfinished_.code = *code;
            unfinished_.lines.push_back(text_of(line));
            if (line.size() > 3 && line[3] == '-') {
                continue;
            }
        } else if (code != unfinished_.code || (line.size() > 3 && line[3] == '-')) {
            unfinished_.lines.push_back(line);
            continue;
        } else {
            unfinished_.lines.push_back(text_of(line));
        }
        Reply reply = std::move(unfinished_);
        unfinished_ = {};
        unfinished_bytes_ = 0;
        return reply;
    }
    return std::nullopt;
}

std::optional<std::uint16_t> epsv_port(std::string_view text) {
    const std::size_t open = text.find('(');
    if (open == std::string_view::npos || text.size() < open + 6) {
        return std::nullopt;
    }
    const std::string_view inside = text.substr(open + 1);
    const char delimiter = inside[0];
    if (inside[1] != delimiter || inside[2] != delimiter) {
        return std::nullopt;
    }
    const std::string_view number = inside.substr(3, inside.find(delimiter, 3) - 3);
    if (number.size() + 3 >= inside.size() ||
        !std::all_of(number.begin(), number.end(), [](char c) { return is_digit(c); })) {
        return std::nullopt;
    }
    const auto port = leading_number<std::uint16_t>(number);
    return port && *port != 0 ? port : std::nullopt;
}

std::optional<std::uint16_t> pasv_port(std::string_view text) {
    // Six numbers; not every server puts them into parentheses.
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!is_digit(text[at]) || (at > 0 && is_digit(text[at - 1]))) {
            continue;
        }
        std::array<unsigned, 6> numbers{};
        std::size_t count = 0;
        const char* next = text.data() + at;
        const char* const end = text.data() + text.size();
        while (count < numbers.size()) {
            const auto [stop, error] = std::from_chars(next, end, numbers[count]);
            if (error != std::errc{} || numbers[count] > 255) {
                break;
            }
            ++count;
            if (count == numbers.size() || stop == end || *stop != ',') {
                break;
            }
            next = stop + 1;
        }
        const unsigned port = numbers[4] * 256 + numbers[5];
        if (count == numbers.size() && port != 0) {
            return static_cast<std::uint16_t>(port);
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> size_of(const Reply& reply) {
    return reply.code == 213 ? leading_number<std::uint64_t>(reply.lines.front()) : std::nullopt;
}

std::string without_secret(std::string_view text, std::string_view secret) {
    constexpr std::string_view mask = "***";
    std::string shown(text);
    std::size_t at = secret.empty() ? std::string::npos : shown.find(secret);
    while (at != std::string::npos) {
        shown.replace(at, secret.size(), mask);
        at = shown.find(secret, at + mask.size());
    }
    return shown;
}

std::optional<std::string> quoted_path(std::string_view text) {
    std::string path;
    for (std::size_t at = text.find('"'); at != std::string_view::npos && at + 1 < text.size();) {
        const char c = text[++at];
        if (c != '"') {
            path += c;
        } else if (at + 1 < text.size() && text[at + 1] == '"') {
            path += c;
            ++at;
        } else {
            return path;
        }
    }
    return std::nullopt;
}

std::optional<std::string> digest_in(const Reply& reply, std::size_t digits, std::string_view path) {
    // ProFTPD tells in a line of its own before that it is at work.
    std::optional<std::string> digest;
    for (const std::string& line : reply.lines) {
        for (std::string& word : digest_words(without_path(line, path), digits)) {
            if (digest) {
                return std::nullopt;
            }
            digest = std::move(word);
        }
    }
    return digest;
}

bool shows_digest_of_path(const Reply& reply, std::size_t digits, std::string_view path) {
    std::string parts(path);
    std::replace(parts.begin(), parts.end(), '/', ' ');
    const std::vector<std::string> own = digest_words(parts, digits);
    return std::any_of(reply.lines.begin(), reply.lines.end(), [&](const std::string& line) {
        const std::vector<std::string> shown = digest_words(line, digits);
        return std::find_first_of(shown.begin(), shown.end(), own.begin(), own.end()) != shown.end();
    });
}

Features features_in(const Reply& reply) {
    Features features;
    if (!reply.completed()) {
        return features;
    }
    for (const std::string& line : reply.lines) {
        const std::size_t begin = line.find_first_not_of(' ');
        if (begin != std::string::npos) {
            note_feature(upper(line.substr(begin)), features);
        }
    }
    return features;
}

}  // namespace mistamover::ftp
