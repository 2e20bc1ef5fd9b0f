#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/spool/spool.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::agent {

enum class ShedPolicy : std::uint8_t { kDropOldest, kDropNewest, kThin };

struct ShedOptions {
  /// Of bodies and their rows, held and kept, without held gaps and events: these have reserves of
  /// their own.
  std::uint64_t bytes_max = 1ull << 30;
  std::uint64_t age_max_ms = 90ull * 24 * 3600 * 1000;
  std::uint64_t gap_reserve = 4 << 20;  ///< bytes of held gap records before they are merged
  /// Bytes of held events and logs; then producers wait, those of logs at half of it.
  std::uint64_t event_reserve = 4 << 20;
  std::vector<ShedPolicy> policies = {ShedPolicy::kDropOldest};  ///< one for each class of readings
  rt::Nanos thin_window = rt::Seconds(60);  ///< kThin keeps first, last, minimum, maximum of each
};

/// Of one range of names in an encoded gap.
inline constexpr std::uint64_t kGapRangeBytes = 48;

/// Held fragments of bodies take at most this part of `bytes_max`; then producers wait. What they
/// take, readings cannot: these have the other part for certain.
inline constexpr std::uint64_t kBodiesShare = 2;

/// What is under the bound: readings and fragments held, and whatever is kept.
[[nodiscard]] std::uint64_t spool_bytes(const SpoolTotals& totals);
[[nodiscard]] std::uint64_t held_bytes(const SpoolTotals& totals);    ///< without kept records
[[nodiscard]] std::uint64_t bodies_bytes(const SpoolTotals& totals);  ///< fragments held

/// Of a class that the configuration does not name any more: that of the first, which is for all
/// readings without a class of their own.
[[nodiscard]] ShedPolicy policy_of(const ShedOptions& options, std::size_t class_index);

/// Up to here readings of a class that drops the newest are let in. Where other classes shed, below
/// `bytes_max` by more than that frees: the room that others were shed for is not theirs.
[[nodiscard]] std::uint64_t bytes_for_newest(const ShedOptions& options);

using ClassBytes = std::array<double, wire::kReadingClassesMax>;
/// Held by each class of readings, rows included.
[[nodiscard]] ClassBytes class_bytes(const SpoolTotals& totals);
/// The class that sheds first when the spool is full: of those that may, the one that holds most.
[[nodiscard]] std::optional<std::size_t> class_to_shed(const ClassBytes& held,
                                                       const ShedOptions& options);

struct ShedReport {
  std::uint64_t readings = 0;     ///< lost
  std::uint64_t fragments = 0;    ///< of bodies, lost
  std::vector<wire::Name> names;  ///< no longer on disk
};

/// Sheds held readings until `bytes` more fit under the bound, each in one transaction with the gap
/// that tells of it [shed-1]. Kept records go first; what cannot be thinned any more is dropped,
/// oldest first. kFull when every class refuses to shed; what was shed before stays shed. Names
/// come from `next_seq`, which is advanced only for transactions that succeed. `stamp` is the time
/// now.
rt::Result<ShedReport> shed_for_space(Spool& spool, const ShedOptions& options, std::uint64_t bytes,
                                      const wire::Clock& stamp, std::uint64_t& next_seq);

/// Sheds what is older than the age bound, by the spool's own age; at most `records_max` at a time.
rt::Result<ShedReport> shed_by_age(Spool& spool, const ShedOptions& options, std::uint64_t age_ms,
                                   std::size_t records_max, const wire::Clock& stamp,
                                   std::uint64_t& next_seq);

}  // namespace fieldpost::agent
