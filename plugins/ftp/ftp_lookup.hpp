// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ftp/ftp_control.hpp"
#include "ftp/ftp_data.hpp"
#include "ftp/ftp_listing.hpp"
#include "ftp/ftp_tools.hpp"

namespace mistamover::ftp {

/// What is there, for the length of one call: listings that it had to look into are remembered.
class Lookup {
  public:
    explicit Lookup(Tools tools) : tools_(tools) {}

    /// All that a directory holds ("" is the target directory), or a failure: never a part of it. `entries`
    /// is filled only where the Status is ok.
    Status list(std::string_view path, std::vector<ListedEntry>& entries);
    /// To what a listing of `path` has told, the times that it has not told. Where the server keeps no times,
    /// all that are told to the second become those of this machine's clock, or earlier ones.
    void add_times(std::string_view path, std::vector<ListedEntry>& entries);

    /// The Status of a refusal to look at, read or list `path`. Servers say 550 of what is not there and of
    /// what may not be looked at: it is `not_found` only where a listing shows that it is not there.
    Status refusal(const Reply& reply, std::string_view doing, std::string_view path);

    /// Whether a listing shows that nothing of that name is there; false where it cannot be told.
    bool is_absent(std::string_view path);
    /// Of a path at which the server has something: ok where a listing without a line that is not understood
    /// shows that very name; `exists` where it does not, for then that is another's, as where the server does
    /// not tell upper from lower case; the session's failure where there is no such listing.
    Status check_shown(std::string_view path);

  private:
    struct Names {
        bool listed = false;  ///< Everything, though perhaps in lines that are not understood.
        Status status;        ///< ok where all of it was understood.
        std::set<std::string, std::less<>> names;
        std::string unreadable;  ///< Those lines: what is no part of them is not in them.
    };

    /// ok where a listing shows that nothing of that name is there, `exists` where that it is, or else why it
    /// cannot be told.
    Status absence(std::string_view path);
    Status read_listing(std::string_view path, Listing& listing);
    void ask_for_times(std::string_view path, std::vector<ListedEntry>& entries);
    Status list_by_mlsd(std::string_view path, Listing& listing);
    Status list_by_list(std::string_view path, Listing& listing);
    const Names& names_in(std::string_view path);

    Tools tools_;
    std::map<std::string, Names, std::less<>> names_;
};

}  // namespace mistamover::ftp
