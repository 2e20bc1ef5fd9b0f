#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/ledger.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// A name in the ledger.
struct NamePlace {
  IncarnationNo incarnation = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const NamePlace&) const = default;
};

enum class WhenFull : std::uint8_t {
  kDropOldest,  ///< into a gap
  kStop,        ///< what comes gets no verdict: its node keeps it, and offers it again
};

struct QuarantineOptions {
  std::uint64_t bytes_max = 256ull << 20;
  WhenFull when_full = WhenFull::kDropOldest;
};

struct QuarantinedRecord {
  NamePlace place;
  NodeNo node = 0;
  std::string record;  ///< encoded wire::Record
};

/// Records that were not understood, kept raw [env-5], and their way out: stored, or given up into
/// a gap of the coordinator's own ([commit-7], [commit-9]). Store thread, inside the caller's
/// transaction. A given-up record counts the readings that nobody has: not those that are stored
/// under the name in which they were first accepted, and not those of which the node tells itself.
class Quarantine {
 public:
  Quarantine(rt::Database& db, Ledger& ledger, ReadingStore& readings,
             const QuarantineOptions& options)
      : db_(db), ledger_(ledger), readings_(readings), options_(options) {}

  /// Keeps it and settles its name. At the cap the oldest are given up, cause `quarantine_full`, or
  /// (kStop) it does nothing and returns false. One record always has room.
  rt::Result<bool> add(const IncarnationRow& incarnation, std::uint64_t seq,
                       const std::string& record, const std::string& why, rt::UnixTime now);
  /// After the caller rolled a transaction back.
  void forget_uncommitted() { used_.reset(); }
  /// At most `count_max` after `after`, of `node` (0: of all), in order of their places.
  rt::Result<std::vector<QuarantinedRecord>> load(NamePlace after, NodeNo node,
                                                  std::size_t count_max);
  /// It settles as `gapped`. Returns the gap's row.
  rt::Result<std::int64_t> give_up(const QuarantinedRecord& record, wire::GapCause cause,
                                   rt::UnixTime now);
  /// It settles as `stored`: the caller has stored what it means.
  rt::Status release(NamePlace place);
  /// A gap of the node lists these names with `each` readings lost: what else they held lives on in
  /// a thinned record.
  rt::Status note_told(IncarnationNo incarnation, wire::SeqRange range, std::uint64_t each);

 private:
  struct Share {
    NamePlace origin;
    std::uint64_t readings = 0;
  };
  /// Whose readings a record holds; nullopt: nobody can tell.
  rt::Result<std::optional<std::vector<Share>>> shares_of(const QuarantinedRecord& record);
  rt::Result<std::optional<std::vector<Share>>> lost_shares(const QuarantinedRecord& record);
  rt::Result<bool> make_room(std::size_t bytes, rt::UnixTime now);
  rt::Result<std::uint64_t> used();
  rt::Result<QuarantinedRecord> load_oldest();
  rt::Status leave(NamePlace place);
  rt::Status note_given_up(NamePlace place, const Share& share, std::int64_t gap, bool told);
  rt::Result<std::optional<std::uint64_t>> told(NamePlace place);

  rt::Database& db_;
  Ledger& ledger_;
  ReadingStore& readings_;
  QuarantineOptions options_;
  std::optional<std::uint64_t> used_;  ///< bytes of all records; not known after a rollback
};

}  // namespace fieldpost::coordinator
