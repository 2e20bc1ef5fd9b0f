#pragma once

#include <string>
#include <string_view>

namespace fieldpost::rt {

/// Appends a field of CSV (RFC 4180): in quotes where it has to be.
void append_csv_text(std::string& out, std::string_view text);

}  // namespace fieldpost::rt
