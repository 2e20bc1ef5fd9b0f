#pragma once

#include <string>

#include "agent/spool/spool.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/random.h"

namespace fieldpost::agent {

/// Damaged spools that are set aside and kept, beside the spool as `spool.db.damaged-N`.
inline constexpr std::size_t kDamagedSpoolsKept = 3;
/// A file up to this size is read as a whole before it is used; a larger one while it is used
/// (SpoolFront), and as a whole after `mark_damaged`.
inline constexpr std::uint64_t kCheckedAtOpenBytes = 8 << 20;

/// Opens or creates the spool; a damaged one is salvaged first (salvage.h) and set aside, never
/// deleted. Whatever moment the power fails at, the next call finds the old spool or the finished
/// new one. When what was salvaged is damaged again, the spool is made afresh. kFull, kIo: nothing
/// is lost, try again later; kInvalid: of a newer version.
rt::Result<Spool> open_spool(const std::string& path, const std::string& vfs, rt::Files& files,
                             rt::Random& random, rt::Log& log);

/// Remembers for the next open_spool that this spool is to be read as a whole: what SpoolFront met
/// may lie where opening does not look.
rt::Status mark_damaged(rt::Files& files, const std::string& path);

}  // namespace fieldpost::agent
