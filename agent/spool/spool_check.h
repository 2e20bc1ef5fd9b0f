#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/rt/files.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::agent {

/// The first bytes of the file: what SQLite takes from them without telling that they are wrong.
/// kCorrupt; ok for a file that is missing, or too short to say.
rt::Status check_header(rt::Files& files, const std::string& path);

/// Reads everything: SQLite's integrity_check and each row's seal, body and index entries. Time
/// grows with the file.
rt::Status check_spool(rt::Database& db);

/// The same of the records after row `after`, until `bytes_max` of bodies were read. Returns the
/// last row checked; 0: that was the end.
rt::Result<std::int64_t> check_records(rt::Database& db, std::int64_t after, std::size_t bytes_max);

}  // namespace fieldpost::agent
