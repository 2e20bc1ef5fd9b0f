#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/ledger.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// An envelope that passed the door, and whose topic said which node sent it.
struct Arrival {
  std::string node;
  wire::Envelope envelope;
  std::size_t bytes = 0;    ///< of the MQTT payload
  bool in_session = false;  ///< sent in the session that its node has now: only then marks count
};

/// Readings that were just committed, for the live feed.
struct StoredReadings {
  std::shared_ptr<const std::vector<SeriesId>> series;  ///< one for each column
  std::shared_ptr<const wire::SeriesSet> set;
  std::shared_ptr<const wire::Columns> columns;
};

/// What became of one arrival. kNone: nothing was concluded (see `need`, `stranger`).
struct Settled {
  std::string node;
  std::uint64_t nonce = 0;
  wire::Name name;
  wire::Lane lane = wire::Lane::kLive;
  wire::Verdict verdict = wire::Verdict::kNone;
  bool fresh = false;                 ///< stored for the first time
  bool stranger = false;              ///< of an incarnation that this node never stated
  std::optional<wire::Hash128> need;  ///< the definition that is missing
  std::optional<StoredReadings> stored;
  std::optional<std::string> event;  ///< payload of a stored event record
  std::vector<std::int64_t> gaps;    ///< rows that were added
  std::string note;                  ///< why it was quarantined; for the log
};

struct IngestOptions {
  std::uint64_t quarantine_bytes_max = 256ull << 20;
};

/// Commits arrivals: meaning, name, hash and gaps of each in one transaction [commit-1]. Store
/// thread.
class Ingest {
 public:
  Ingest(rt::Database& db, Ledger& ledger, ReadingStore& readings, IngestOptions options)
      : db_(db), ledger_(ledger), readings_(readings), options_(options) {}

  /// All of them in one synced transaction; when that fails for one's content, each in its own, and
  /// the one at fault is quarantined. An error (kFull, kIo, kCorrupt, kBusy) means that nothing was
  /// committed: no receipt, the nodes will publish again.
  rt::Result<std::vector<Settled>> commit(const std::vector<Arrival>& arrivals, rt::UnixTime now);

  [[nodiscard]] std::uint64_t quarantined() const { return quarantined_; }

 private:
  rt::Result<Settled> take(const Arrival& arrival, rt::UnixTime now);
  rt::Status take_fresh(const Arrival& arrival, const IncarnationRow& incarnation, rt::UnixTime now,
                        Settled& out);
  rt::Status store(const IncarnationRow& incarnation, std::uint64_t seq, const wire::Record& record,
                   const wire::Hash128& hash, rt::UnixTime now, Settled& out);
  rt::Status store_readings(const IncarnationRow& incarnation, std::uint64_t seq,
                            const wire::Record& record, rt::UnixTime now, Settled& out);
  rt::Status store_event(const IncarnationRow& incarnation, std::uint64_t seq,
                         const wire::Record& record, rt::UnixTime now, Settled& out);
  rt::Status quarantine(const IncarnationRow& incarnation, std::uint64_t seq,
                        const std::string& record, rt::UnixTime now, const std::string& why,
                        Settled& out);
  rt::Status make_quarantine_room(std::size_t bytes, rt::UnixTime now);
  rt::Status take_gap(const IncarnationRow& carrier, const wire::Gap& gap, rt::UnixTime now,
                      Settled& out);
  rt::Result<wire::Rank> rank_of(const IncarnationRow& incarnation, std::uint64_t seq,
                                 const std::optional<wire::Name>& first_name);
  void forget_uncommitted();

  rt::Database& db_;
  Ledger& ledger_;
  ReadingStore& readings_;
  IngestOptions options_;
  std::map<wire::Name, int> asks_;  ///< for definitions, since start; bounded
  std::uint64_t quarantined_ = 0;
};

}  // namespace fieldpost::coordinator
