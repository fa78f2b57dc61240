// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "ftp/ftp_tools.hpp"

/// What a server does that none of its replies tells: it is tried out on temporary files. All throw
/// StatusError where the connection fails, nothing can be stored, or the server is of no use.
namespace mistamover::ftp {

/// What is found out at the first login. `probed` is set where all of it could be told.
void learn_server(Tools tools);

/// Whether a rename replaces a file that is there: without that, nothing can be published over an old
/// version. False, too, where no temporary directory can be made.
bool renames_over(Tools tools);

/// Throws (`configuration`, stream scope) where what is stored under a name that is there gets another name:
/// what lies there would prove by its size what has arrived elsewhere. Where there is no temporary directory,
/// it finds out whether the target directory can be listed, too.
void check_stores_over(Tools tools);

/// Whether a file's time can be set, which a server may offer (MFMT) and then refuse: a mirror would find all
/// files changed, in each pass. True, too, where it cannot be told.
bool can_set_times(Tools tools);

/// Whether two bytes of 255 in a command are one in the name: the listing tells. By the name's dot it tells,
/// too, that dot-names are listed: then what a listing does not show is not there. A server that takes no
/// such name, or lists nothing, is held to the standard. Not ok where this try does not tell.
Status try_doubled_iac(Tools tools, bool& doubles);

/// Looks at the server's clock by a temporary file, if that is due: see ServerClock. Where it cannot be
/// looked at, what was known holds.
void learn_clock(Tools tools);

/// ok where it is known how the server reads the byte 255 in names: what the first logins could not learn is
/// tried out. Otherwise an item's failure: without that, a command may mean another file.
Status learn_name_rules(Tools tools);
/// The same where `path` has that byte in it; ok where it has not.
Status check_name_read(Tools tools, std::string_view path);

/// How far a refusal to give a file or directory the name `path` reaches, which is `refusal` of an item:
/// where the target directory takes no other name either, it is the session's.
Status refused_name(Tools tools, std::string_view path, const Status& refusal);
/// The Status of a reply to what leads to a name (RNFR, RNTO): for now it is the session's. Pure-FTPd means
/// by 451 a rename that fails, for whatever reason.
Status rename_failure(const Reply& reply, std::string_view doing);

}  // namespace mistamover::ftp
