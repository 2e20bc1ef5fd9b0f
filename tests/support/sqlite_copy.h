#pragma once

#include <optional>
#include <string>

namespace fieldpost::test {

/// What the sqlite3 shell prints for `sql` (or a command such as `.dump`) about a copy of `file`
/// and its WAL: a daemon keeps its file to itself, and the shell is none of our code. The copy is
/// made in `directory`. Of a file that is written meanwhile the copy may be torn. nullopt when the
/// shell failed.
[[nodiscard]] std::optional<std::string> ask_sqlite_copy(const std::string& file,
                                                         const std::string& directory,
                                                         const std::string& sql);

}  // namespace fieldpost::test
