// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "ftp/ftp_tools.hpp"

/// What a server does that none of its replies tells: it is tried out on temporary files. All throw
/// StatusError where the connection fails or nothing can be stored.
namespace mistamover::ftp {

/// Whether a rename replaces a file that is there: without that, nothing can be published over an old
/// version.
bool renames_over(Tools tools);

/// Whether two bytes of 255 in a command are one in the name: the listing tells. By the name's dot it tells,
/// too, that dot-names are listed: then what a listing does not show is not there. A server that takes no
/// such name, or lists nothing, is held to the standard. Not ok where this try does not tell.
Status try_doubled_iac(Tools tools, bool& doubles);

/// ok where it is known how the server reads the byte 255 in names: what the first logins could not learn is
/// tried out. Otherwise an item's failure: without that, a command may mean another file.
Status learn_name_rules(Tools tools);
/// The same where `path` has that byte in it; ok where it has not.
Status check_name_read(Tools tools, std::string_view path);

/// ok, or an item's failure where the server would give another name than that of `path` to what is stored
/// there, and so perhaps replace another unit, or where that cannot be told this time. Nothing is tried out
/// before such a name is met.
Status check_name_kept(Tools tools, std::string_view path);

}  // namespace mistamover::ftp
