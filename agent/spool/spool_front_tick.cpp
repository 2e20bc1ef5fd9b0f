// What the tick does: age, space, the forecast, and a look for damage.
#include <algorithm>
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/spool_check.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

namespace {

constexpr rt::Nanos kTick = rt::Millis(500);
constexpr rt::Nanos kShedByAgeEvery = std::chrono::minutes(1);
constexpr std::size_t kShedByAgeRecords = 1024;  ///< in one transaction
constexpr rt::Nanos kScrubEvery = std::chrono::minutes(1);
constexpr std::size_t kScrubBytes = 1 << 20;  ///< read at a time: a gigabyte in a day

}  // namespace

void SpoolFront::arm_tick() {
  tick_ = loop_.after(kTick, [this] {
    on_tick();
    arm_tick();
  });
}

void SpoolFront::on_tick() {
  flush_settled();
  retries_memory_ = true;
  write_due();
  scrub();
  look_at_oldest();
  merge_gaps();
  shed_aged();
}

/// Thinned and renamed records are older than their place tells, so this looks at all rows: not at
/// each tick.
void SpoolFront::shed_aged() {
  if (names_lent_ > 0 || age_ms() <= options_.shed.age_max_ms || totals_.records_held == 0) return;
  if (loop_.now() - aged_at_ < kShedByAgeEvery) return;
  aged_at_ = loop_.now();
  auto report = std::make_shared<ShedReport>();
  lend_names(
      [spool = spool_, options = options_.shed, age = age_ms(), stamp = clock_now(loop_, clock_),
       report](std::uint64_t& next_seq) -> Status {
        auto shed = shed_by_age(*spool, options, age, kShedByAgeRecords, stamp, next_seq);
        if (!shed) return shed.error();
        *report = std::move(*shed);
        return ok();
      },
      [this, report](Status status) {
        if (!status) log_.error("shedding by age: {}", status.error().message);
        if (report->names.size() >= kShedByAgeRecords) aged_at_ = {};  // there may be more
        if (report->readings > 0) {
          log_.warning("{} readings passed the age bound and were shed, a gap tells of them",
                       report->readings);
        }
        if (report->fragments > 0) {
          log_.warning(
              "{} fragments of bodies passed the age bound and were shed, a gap tells of "
              "them",
              report->fragments);
        }
      });
}

void SpoolFront::merge_gaps() {
  const std::uint64_t held = totals_.gap_bytes_held;
  if (held <= options_.shed.gap_reserve) gaps_merge_above_ = options_.shed.gap_reserve;
  if (names_lent_ > 0 || held <= gaps_merge_above_) return;
  lend_names(
      [spool = spool_, reserve = options_.shed.gap_reserve,
       stamp = clock_now(loop_, clock_)](std::uint64_t& next_seq) {
        const auto merged = agent::merge_gaps(*spool, reserve, stamp, next_seq);
        return merged ? ok() : Status(merged.error());
      },
      [this](Status status) {
        if (!status) log_.error("merging gaps: {}", status.error().message);
        // What cannot be told in fewer bytes is not merged again and again.
        gaps_merge_above_ = 2 * totals_.gap_bytes_held;
      });
}

void SpoolFront::look_at_oldest() {
  if (totals_.records_held == 0) {
    oldest_.reset();
    oldest_readings_.reset();
    return;
  }
  using Looked = std::pair<std::optional<OldestHeld>, std::optional<OldestHeld>>;
  auto looked = std::make_shared<Looked>();
  with_spool(
      [looked](Spool& spool) -> Status {
        const auto others = spool.oldest_held(RecordClass::kGap, RecordClass::kBody);
        const auto readings = spool.oldest_held(RecordClass::kReadings, kLastRecordClass);
        if (!others || !readings) return others ? readings.error() : others.error();
        *looked = {*others, *readings};
        return ok();
      },
      [this, looked](Status status) {
        if (!status) return;  // the next look, or whoever needs the file, tells
        oldest_readings_ = looked->second;
        oldest_ = looked->first;
        if (!oldest_ || (oldest_readings_ && oldest_readings_->age_ms < oldest_->age_ms)) {
          oldest_ = oldest_readings_;
        }
      });
}

std::uint64_t SpoolFront::oldest_age_ms() const {
  std::uint64_t oldest = 0;
  if (oldest_ && totals_.records_held > 0) {
    const std::uint64_t age = age_ms();
    oldest = age - std::min(age, oldest_->age_ms);
  }
  for (const auto& [name, held] : memory_) {
    const auto waited = std::chrono::duration_cast<rt::Millis>(loop_.now() - held.since).count();
    oldest = std::max(oldest, static_cast<std::uint64_t>(waited));
  }
  return oldest;
}

std::optional<Forecast> SpoolFront::forecast() {
  inflow_.update(loop_.now());
  return agent::forecast(totals_, oldest_readings_, age_ms(), inflow_.bytes_per_second(),
                         options_.shed);
}

void SpoolFront::scrub() {
  if (loop_.now() - scrubbed_at_ < kScrubEvery) return;
  scrubbed_at_ = loop_.now();
  auto reached = std::make_shared<std::int64_t>(0);
  with_spool(
      [reached, after = scrubbed_to_](Spool& spool) -> Status {
        const auto last = check_records(spool.database(), after, kScrubBytes);
        if (!last) return last.error();
        *reached = *last;
        return ok();
      },
      [this, reached](Status status) {
        if (status) scrubbed_to_ = *reached;
      });
}

}  // namespace fieldpost::agent
