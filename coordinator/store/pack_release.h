#pragma once

#include <cstdint>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// A pack lost `users` chunks. It is deleted when it has none left, and written again without the
/// bytes of those it lost when they were half of it, so that no more than half a pack is dead.
/// Inside the caller's transaction.
rt::Status release_pack(rt::Database& db, std::int64_t pack_no, std::int64_t users);

}  // namespace fieldpost::coordinator
