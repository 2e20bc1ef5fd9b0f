#pragma once

#include <cstdint>
#include <string>

#include "agent/spool/spool.h"
#include "proto/rt/random.h"
#include "proto/rt/result.h"

namespace fieldpost::agent {

struct SalvageReport {
  bool readable = false;  ///< false: nothing of it could be told; the new spool is a fresh one
  std::uint64_t records = 0;
  std::uint64_t incarnations = 0, incarnations_lost = 0;
};

/// Makes the spool `to` of what can be read of the damaged one at `from` [back-5]: records whose
/// body matches their hash keep name, class and state; identity (but for the spool's id), commands
/// and idempotency keys are carried over; a gap covers every other name up to the end of each
/// incarnation's lease. Reads `from` only, and expects no file at `to`, which is complete, synced
/// and without WAL when this succeeds. kFull, kIo: `to` is not complete; remove it and try again.
rt::Result<SalvageReport> salvage(const std::string& from, const std::string& to,
                                  const std::string& vfs, rt::Random& random);

}  // namespace fieldpost::agent
