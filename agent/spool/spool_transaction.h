#pragma once

#include "agent/spool/spool.h"

namespace fieldpost::agent {

template <typename Work>
rt::Status Spool::transact(Work&& work) {
  const SpoolTotals totals = totals_;
  const LiveIncarnation live = live_;
  const std::int64_t live_no = live_no_;
  const Pin pin = pin_;
  const std::uint64_t age_ms = age_ms_;
  rt::Transaction transaction(db_);
  rt::Status done = transaction.begin();
  if (done) done = work();
  if (done) done = transaction.commit();
  if (done) return done;
  db_.rollback();
  totals_ = totals;
  live_ = live;
  live_no_ = live_no;
  pin_ = pin;
  age_ms_ = age_ms;
  // What was drawn or raised in memory must not outlive the rollback. If even this cannot be read,
  // the error is the same one again and the caller stops using the spool.
  const rt::Error error = done.error();
  if (auto reloaded = load_incarnations(); !reloaded && error.code == rt::Errc::kIo)
    return reloaded;
  return error;
}

}  // namespace fieldpost::agent
