#pragma once

#include <optional>
#include <utility>

#include "agent/intake.h"
#include "proto/mapping/raw_keeper.h"
#include "proto/rt/time.h"

namespace fieldpost::agent {

/// Tells the rules by which a source's messages become readings, as a reading, so that the
/// coordinator can make the readings again: when the source begins, and once an hour, for the first
/// ones may be lost. Loop thread.
class RulesTeller {
 public:
  /// Has a copy of the keeper for its rules; the source's own one may be another thread's.
  explicit RulesTeller(mapping::RawKeeper keeper) : keeper_(std::move(keeper)) {}
  void tell(Intake& intake, rt::UnixTime now);

 private:
  mapping::RawKeeper keeper_;
  std::optional<rt::UnixTime> told_;
};

}  // namespace fieldpost::agent
