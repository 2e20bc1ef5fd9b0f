#include "tests/support/sim/sim_locks.h"

#include <sqlite3.h>

#include <algorithm>

namespace fieldpost::sim {

namespace {

using Guard = std::lock_guard<std::mutex>;

}  // namespace

bool SimLocks::others_have(Holder holder, int level) const {
  return std::any_of(levels_.begin(), levels_.end(), [&](const auto& entry) {
    return entry.first != holder && entry.second >= level;
  });
}

int SimLocks::lock(Holder holder, int level) {
  const Guard guard(mutex_);
  int& own = levels_[holder];
  if (own >= level) return SQLITE_OK;
  if (level == SQLITE_LOCK_SHARED) {
    if (others_have(holder, SQLITE_LOCK_PENDING)) return SQLITE_BUSY;
  } else if (others_have(holder, SQLITE_LOCK_RESERVED)) {
    return SQLITE_BUSY;
  } else if (level == SQLITE_LOCK_EXCLUSIVE && others_have(holder, SQLITE_LOCK_SHARED)) {
    own = SQLITE_LOCK_PENDING;  // no new readers come in
    return SQLITE_BUSY;
  }
  own = level;
  return SQLITE_OK;
}

void SimLocks::unlock(Holder holder, int level) {
  const Guard guard(mutex_);
  int& own = levels_[holder];
  own = std::min(own, level);
  if (own == SQLITE_LOCK_NONE) levels_.erase(holder);
}

bool SimLocks::reserved() const {
  const Guard guard(mutex_);
  return others_have(nullptr, SQLITE_LOCK_RESERVED);
}

void* SimLocks::map(Holder holder, std::size_t region, std::size_t bytes, bool extend) {
  const Guard guard(mutex_);
  mapped_.try_emplace(holder);
  if (region >= regions_.size() && !extend) return nullptr;
  while (regions_.size() <= region) regions_.push_back(std::make_unique<char[]>(bytes));
  return regions_[region].get();
}

bool SimLocks::shm_conflict(Holder holder, unsigned mask, bool exclusive) const {
  return std::any_of(mapped_.begin(), mapped_.end(), [&](const auto& entry) {
    const ShmMask& held = entry.second;
    const unsigned in_the_way = exclusive ? held.exclusive | held.shared : held.exclusive;
    return entry.first != holder && (in_the_way & mask) != 0;
  });
}

int SimLocks::shm_lock(Holder holder, int first, int count, int flags) {
  const Guard guard(mutex_);
  const unsigned mask = ((1U << static_cast<unsigned>(count)) - 1) << static_cast<unsigned>(first);
  ShmMask& own = mapped_[holder];
  unsigned& bits = (flags & SQLITE_SHM_EXCLUSIVE) != 0 ? own.exclusive : own.shared;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    bits &= ~mask;
    return SQLITE_OK;
  }
  if (shm_conflict(holder, mask, (flags & SQLITE_SHM_EXCLUSIVE) != 0)) return SQLITE_BUSY;
  bits |= mask;
  return SQLITE_OK;
}

void SimLocks::unmap(Holder holder) {
  const Guard guard(mutex_);
  mapped_.erase(holder);
  if (mapped_.empty()) regions_.clear();
}

}  // namespace fieldpost::sim
