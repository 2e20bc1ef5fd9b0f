#pragma once

#include <string>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// Name of the store's file inside its directory.
inline constexpr const char* kStoreFileName = "store.db";

/// Opens the writer's connection to the store's file and brings its schema up to date. kInvalid
/// when a newer version wrote it; kCorrupt, kIo, kFull as SQLite says.
rt::Result<rt::Database> open_store_file(const std::string& path, const std::string& vfs);

}  // namespace fieldpost::coordinator
