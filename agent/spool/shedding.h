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
  std::uint64_t bytes_max = 1ull << 30;  ///< of bodies and their rows, held and kept
  std::uint64_t age_max_ms = 90ull * 24 * 3600 * 1000;
  std::uint64_t gap_reserve = 4 << 20;  ///< bytes of held gap records before they are merged
  std::vector<ShedPolicy> policies = {ShedPolicy::kDropOldest};  ///< one for each class of readings
  rt::Nanos thin_window = rt::Seconds(60);  ///< kThin keeps first, last, minimum, maximum of each
};

/// What a record costs beside its body: row, indices, slack of pages. Measured, rounded up.
inline constexpr std::uint64_t kRowOverheadBytes = 256;

[[nodiscard]] std::uint64_t spool_bytes(const SpoolTotals& totals);

using ClassBytes = std::array<double, wire::kReadingClassesMax>;
/// Held by each class of readings, rows included.
[[nodiscard]] ClassBytes class_bytes(const SpoolTotals& totals);
/// The class that sheds first when the spool is full: of those that may, the one that holds most.
[[nodiscard]] std::optional<std::size_t> class_to_shed(const ClassBytes& held,
                                                       const ShedOptions& options);

struct ShedReport {
  std::uint64_t bytes = 0;        ///< freed
  std::uint64_t readings = 0;     ///< lost
  std::vector<wire::Name> names;  ///< no longer on disk
};

/// Sheds held readings until `bytes` more fit under the bound, in one transaction with the gap that
/// tells of them [shed-1]. Kept records go first. kFull when every class refuses to shed. Names
/// come from `next_seq`, which is advanced only on success. `stamp` is the time now.
rt::Result<ShedReport> shed_for_space(Spool& spool, const ShedOptions& options, std::uint64_t bytes,
                                      const wire::Clock& stamp, std::uint64_t& next_seq);

/// Sheds what is older than the age bound, by the spool's own age; at most `records_max` at a time.
rt::Result<ShedReport> shed_by_age(Spool& spool, const ShedOptions& options, std::uint64_t age_ms,
                                   std::size_t records_max, const wire::Clock& stamp,
                                   std::uint64_t& next_seq);

/// [shed-3]: supersedes all held gap records by as few as hold the same, when they take more than
/// the reserve. Returns whether it did.
rt::Result<bool> merge_gaps(Spool& spool, const ShedOptions& options, const wire::Clock& stamp,
                            std::uint64_t& next_seq);

/// Writes gaps as records of class kGap, each below the limits of a record, inside the caller's
/// transaction.
rt::Status insert_gaps(Spool& spool, std::vector<wire::Gap> gaps, const wire::Clock& stamp,
                       std::uint64_t& next_seq);

/// Deletes one record, if it is on disk, and writes `gap`, and the gaps that it carried,
/// in its place.
rt::Status replace_by_gap(Spool& spool, const wire::Name& name, wire::Gap gap,
                          const wire::Clock& stamp, std::uint64_t& next_seq);

/// Adds names to a gap, joined to the last range when they continue it with the same count.
void add_gap_name(std::vector<wire::GapNames>& names, const wire::GapNames& more);

}  // namespace fieldpost::agent
