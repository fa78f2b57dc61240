// SPDX-License-Identifier: BSD-3-Clause
#include "config/document.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include "config/keys.hpp"

namespace mistamover::config {
namespace {

Position position(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

// Behind some messages stands what was found, which may be of a secret that ought to be quoted.
std::string without_quotation(const std::string& message) {
    constexpr std::array<std::string_view, 2> quoting{"the referenced anchor is not defined",
                                                      "unknown escape character"};
    for (const std::string_view text : quoting) {
        if (message.starts_with(text)) {
            return std::string(text);
        }
    }
    return message;
}

std::string syntax_problem(const YAML::Exception& error, const std::string& text) {
    std::string problem = "not YAML: " + without_quotation(error.msg);
    std::size_t begin = 0;
    for (int line = 0; line < error.mark.line && begin != std::string::npos; ++line) {
        begin = text.find('\n', begin);
        begin = begin == std::string::npos ? begin : begin + 1;
    }
    if (begin != std::string::npos) {
        const auto indented_to = text.find_first_not_of(" \t", begin);
        if (text.substr(begin, indented_to - begin).find('\t') != std::string::npos) {
            problem += "; indent with spaces, not tabs";
        }
    }
    return problem;
}

constexpr const char* tag_problem =
    " has a value that begins with `!`, which is a tag to YAML: put the value in quotes";

// Of `!secret` YAML makes a tag and an empty value. "!" and "?" are what has none, quoted or not.
bool has_tag(const YAML::Node& node) {
    return !node.Tag().empty() && node.Tag() != "!" && node.Tag() != "?";
}

class Reader {
  public:
    Reader(Document& document, const std::string& stream, std::vector<Problem>& problems)
        : document_(document), stream_(stream), problems_(problems) {}

    void report(Position at, std::string text) {
        problems_.push_back({document_.file, at.line, at.column, stream_, std::move(text)});
    }

    void read(const std::string& text) {
        std::vector<YAML::Node> parts;
        try {
            parts = YAML::LoadAll(text);
        } catch (const YAML::Exception& error) {
            report(position(error.mark), syntax_problem(error, text));
            return;
        }
        if (parts.size() > 1) {
            report(position(parts[1].Mark()), "a second YAML document begins here; one file holds one");
        }
        // So does a file look that is being written: it must not put the defaults in force.
        if (parts.empty() || parts.front().IsNull()) {
            report({}, "the file is empty: write `{}` into it where it is to set nothing");
            return;
        }
        if (!parts.front().IsMap()) {
            report(position(parts.front().Mark()),
                   "the file must be a map of sections, such as `data_stream:`");
            return;
        }
        document_.readable = true;
        for (const auto& entry : parts.front()) {
            read_section(entry.first, entry.second);
        }
    }

  private:
    void read_section(const YAML::Node& name_node, const YAML::Node& body) {
        const Position at = position(name_node.Mark());
        if (!name_node.IsScalar()) {
            report(at, "a section's name must be a word, such as `outgoing`");
            return;
        }
        const std::string& name = name_node.Scalar();
        if (document_.sections.contains(name)) {
            report(at, "section `" + shown(name) + "` is there twice; put its keys together");
        }
        RawSection& section = document_.sections.try_emplace(name, RawSection{at, {}}).first->second;
        if (body.IsNull()) {
            return;
        }
        if (!body.IsMap()) {
            report(position(body.Mark()),
                   "section `" + shown(name) + "` must hold keys, as in `" + shown(name) + ": {key: value}`");
            return;
        }
        for (const auto& entry : body) {
            read_key(name, section, entry.first, entry.second);
        }
    }

    void read_key(const std::string& section_name, RawSection& section, const YAML::Node& key_node,
                  const YAML::Node& value_node) {
        const Position key_at = position(key_node.Mark());
        if (!key_node.IsScalar()) {
            report(key_at, "a key of section `" + shown(section_name) + "` must be a word");
            return;
        }
        const std::string full_name = "`" + shown(section_name + "." + key_node.Scalar()) + "`";
        if (section.keys.contains(key_node.Scalar())) {
            // One without a value may be a part of a secret before it that ought to be quoted.
            report(key_at, (value_node.IsNull() ? "a key" : full_name) + " is set twice; keep one");
            return;
        }
        if (std::optional<RawValue> value = read_value(full_name, value_node)) {
            value->key_at = key_at;
            value->at = value_node.IsNull() ? key_at : position(value_node.Mark());
            section.keys.emplace(key_node.Scalar(), std::move(*value));
        }
    }

    std::optional<RawValue> read_value(const std::string& full_name, const YAML::Node& node) {
        RawValue value;
        value.is_list = node.IsSequence();
        if (has_tag(node)) {
            report(position(node.Mark()), full_name + tag_problem);
            return std::nullopt;
        }
        if (node.IsMap()) {
            report(position(node.Mark()), full_name + " must be a value, not a map");
            return std::nullopt;
        }
        if (node.IsScalar()) {
            value.values.push_back(node.Scalar());
            value.values_at.push_back(position(node.Mark()));
        }
        for (const YAML::Node& element : value.is_list ? node : YAML::Node()) {
            if (has_tag(element)) {
                report(position(element.Mark()), full_name + tag_problem);
                return std::nullopt;
            }
            if (!element.IsScalar()) {
                report(position(element.Mark()), full_name + ": a list holds plain values only");
                return std::nullopt;
            }
            value.values.push_back(element.Scalar());
            value.values_at.push_back(position(element.Mark()));
        }
        return value;
    }

    Document& document_;
    const std::string& stream_;
    std::vector<Problem>& problems_;
};

}  // namespace

const RawValue* Document::find(const std::string& section, const std::string& key) const {
    const auto found = sections.find(section);
    if (found == sections.end()) {
        return nullptr;
    }
    const auto value = found->second.keys.find(key);
    return value == found->second.keys.end() ? nullptr : &value->second;
}

Document read_document(const std::filesystem::path& file, const std::string& stream,
                       std::vector<Problem>& problems) {
    Document document;
    document.file = file;
    Reader reader(document, stream, problems);
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) {
        const std::string reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
        reader.report({}, "the file cannot be read: " + reason);
        return document;
    }
    if (!S_ISREG(info.st_mode)) {
        reader.report({}, "is not a file");
        return document;
    }
    document.open_to_others = (info.st_mode & 077U) != 0;
    errno = 0;
    std::ifstream input(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(input), {}};
    if (!input.is_open() || input.bad()) {
        const std::string reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe): glibc's is safe
        reader.report({}, "the file cannot be read: " + reason);
        return document;
    }
    reader.read(text);
    return document;
}

std::optional<std::vector<std::string>> values_of_text(const std::string& text) {
    const auto last = text.find_last_not_of(" \t\n");
    if (!text.starts_with('[') || text[last] != ']') {
        return std::vector<std::string>{text};
    }
    try {
        // All of it: what stands behind a list, as in [ab]*[cd], would be left out otherwise.
        const std::vector<YAML::Node> parts = YAML::LoadAll(text);
        return parts.size() == 1 ? std::optional(parts.front().as<std::vector<std::string>>()) : std::nullopt;
    } catch (const YAML::Exception&) {
        return std::nullopt;
    }
}

}  // namespace mistamover::config
