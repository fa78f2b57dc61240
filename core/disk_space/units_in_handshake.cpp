// SPDX-License-Identifier: BSD-3-Clause
#include "disk_space/units_in_handshake.hpp"

#include "files/handshake_name.hpp"

namespace mistamover::disk_space {

void UnitsInHandshake::note(std::string_view dot_file) {
    const std::size_t ending = control_extension_.size() + 1;
    if (control_extension_.empty() || dot_file.size() < ending + 2 ||
        !dot_file.ends_with(control_extension_) || dot_file[dot_file.size() - ending] != '.') {
        return;
    }
    noted_.emplace(dot_file.substr(1, dot_file.size() - ending - 1));
    if (dot_file.size() == files::longest_name) {
        noted_.emplace(dot_file);
    }
}

bool UnitsInHandshake::contain(const Unit& unit) const {
    return contain_data(unit.name) ||
           (unit.directory && contain_data(unit.name + std::string(files::zip_ending)));
}

bool UnitsInHandshake::contain_data(const std::string& data_name) const {
    if (noted_.contains(data_name)) {
        return true;
    }
    const std::size_t whole_name = data_name.size() + control_extension_.size() + 2;
    return whole_name > files::longest_name &&
           noted_.contains(files::handshake_name(data_name, '.' + control_extension_));
}

std::vector<std::string> UnitsInHandshake::control_files(const Unit& unit,
                                                         std::string_view control_extension) {
    std::vector<std::string> names;
    if (!control_extension.empty()) {
        const std::string ending = '.' + std::string(control_extension);
        names.push_back(files::handshake_name(unit.name, ending));
        if (unit.directory) {
            names.push_back(files::handshake_name(unit.name + std::string(files::zip_ending), ending));
        }
    }
    return names;
}

}  // namespace mistamover::disk_space
