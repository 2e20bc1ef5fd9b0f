#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/ingest/build_intake.h"
#include "coordinator/ingest/gap_intake.h"
#include "coordinator/ingest/quarantine.h"
#include "coordinator/store/body_store.h"
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

/// What became of one arrival. kNone: nothing was concluded (see `need`, `waits`, `stranger`).
struct Settled {
  std::string node;
  std::uint64_t nonce = 0;
  wire::Name name;
  wire::Lane lane = wire::Lane::kLive;
  wire::Verdict verdict = wire::Verdict::kNone;
  bool fresh = false;                 ///< stored for the first time
  bool stranger = false;              ///< of an incarnation that this node never stated
  std::optional<wire::Hash128> need;  ///< the definition that is missing
  bool fragment = false;              ///< of a body
  bool waits = false;                 ///< a fragment of a body that may not begin yet [body-3]
  std::optional<StoredReadings> stored;
  std::optional<std::string> event;  ///< payload of a stored event record
  std::optional<BuildChange> build;  ///< what a record of a build changed
  std::vector<std::int64_t> gaps;    ///< rows that were added
  std::string note;                  ///< why it was quarantined; for the log
  bool no_room = false;              ///< not understood, and the quarantine is full: no verdict
  std::string replay_note;           ///< why its replay changed nothing; for the log
  std::string dropped;               ///< why it could not even be quarantined; for the log
};

struct ReprocessOptions {
  NodeNo node = 0;  ///< 0: of all nodes
  NamePlace after;  ///< goes on behind this one
  bool give_up = false;
};

/// What a step through the quarantine did.
struct Reprocessed {
  std::uint64_t stored = 0;
  std::uint64_t given_up = 0;
  std::uint64_t left = 0;                            ///< not understood
  std::map<NodeNo, std::vector<std::int64_t>> gaps;  ///< rows that are new
  std::vector<BuildChange> builds;
  std::optional<NamePlace> more;  ///< where the next step goes on; none: it was the last
};

/// A failure that the content of a record can cause; anything else is the disk's.
[[nodiscard]] inline bool is_content_fault(const rt::Error& error) {
  return error.code == rt::Errc::kInvalid || error.code == rt::Errc::kNotFound;
}

/// Commits arrivals: meaning, name, hash and gaps of each in one transaction [commit-1]. Store
/// thread.
class Ingest {
 public:
  Ingest(rt::Database& db, Ledger& ledger, ReadingStore& readings, BodyStore& bodies,
         const QuarantineOptions& quarantine)
      : db_(db),
        ledger_(ledger),
        readings_(readings),
        bodies_(bodies),
        quarantine_(db, ledger, readings, quarantine),
        gaps_(ledger, quarantine_),
        builds_(db) {}

  /// All of them in one synced transaction; when that fails for one's content, each in its own, and
  /// the one at fault is quarantined unless its name is settled, or dropped when that fails, too.
  /// An error (kFull, kIo, kCorrupt, kBusy) means that nothing was committed: no receipt, the nodes
  /// will publish again.
  rt::Result<std::vector<Settled>> commit(const std::vector<Arrival>& arrivals, rt::UnixTime now);

  /// One step through the quarantine, in a transaction: what is understood now is stored with its
  /// original rank, what is not stays, or is given up when `options` says so [commit-7]. An error
  /// means that the step changed nothing.
  rt::Result<Reprocessed> reprocess(const ReprocessOptions& options, rt::UnixTime now);

  [[nodiscard]] std::uint64_t quarantined() const { return quarantined_; }

 private:
  rt::Result<std::vector<Settled>> commit_together(std::span<const Arrival> arrivals,
                                                   rt::UnixTime now);
  rt::Result<Settled> commit_alone(const Arrival& arrival, rt::UnixTime now);
  rt::Result<Settled> commit_raw(const Arrival& arrival, rt::UnixTime now, const std::string& why);
  rt::Result<Settled> take(const Arrival& arrival, rt::UnixTime now);
  rt::Result<Settled> take_raw(const Arrival& arrival, rt::UnixTime now, const std::string& why);
  rt::Status take_marks(const Arrival& arrival, NodeNo node);
  rt::Status take_definitions(const wire::Envelope& envelope);
  rt::Status take_again(const wire::Envelope& envelope, const IncarnationRow& incarnation,
                        const SettledName& settled, rt::UnixTime now, Settled& out);
  rt::Status take_replay(const wire::Envelope& envelope, const IncarnationRow& incarnation,
                         rt::UnixTime now, Settled& out);
  rt::Status take_fresh(const Arrival& arrival, const IncarnationRow& incarnation, rt::UnixTime now,
                        Settled& out);
  /// As `apply`; a record that is not understood leaves nothing behind.
  rt::Status try_apply(const IncarnationRow& incarnation, std::uint64_t seq,
                       const wire::Record& record, rt::UnixTime now, Settled& out);
  /// What the record means; kInvalid or kNotFound when that is not understood.
  rt::Status apply(const IncarnationRow& incarnation, std::uint64_t seq, const wire::Record& record,
                   rt::UnixTime now, Settled& out);
  rt::Status store(const IncarnationRow& incarnation, std::uint64_t seq, const wire::Record& record,
                   const wire::Hash128& hash, rt::UnixTime now, Settled& out);
  rt::Status store_readings(const IncarnationRow& incarnation, std::uint64_t seq,
                            const wire::Record& record, rt::UnixTime now, Settled& out);
  rt::Status store_fragment(const IncarnationRow& incarnation, const wire::Record& record,
                            rt::UnixTime now, Settled& out);
  rt::Status store_event(const IncarnationRow& incarnation, std::uint64_t seq,
                         const wire::Record& record, rt::UnixTime now, Settled& out);
  rt::Status store_log_piece(const IncarnationRow& incarnation, const wire::Record& record,
                             rt::UnixTime now, Settled& out);
  rt::Status quarantine(const IncarnationRow& incarnation, std::uint64_t seq,
                        const std::string& record, rt::UnixTime now, const std::string& why,
                        Settled& out);
  rt::Status count_delivered(NodeNo node, std::uint64_t readings);
  rt::Result<Reprocessed> reprocess_rows(const std::vector<QuarantinedRecord>& rows, bool give_up,
                                         rt::UnixTime now);
  rt::Result<bool> try_store(const QuarantinedRecord& row, rt::UnixTime now, Reprocessed& out);
  rt::Result<wire::Rank> rank_of(const IncarnationRow& incarnation, std::uint64_t seq,
                                 const std::optional<wire::Name>& first_name);
  void forget_uncommitted();

  rt::Database& db_;
  Ledger& ledger_;
  ReadingStore& readings_;
  BodyStore& bodies_;
  Quarantine quarantine_;
  GapIntake gaps_;
  BuildIntake builds_;
  std::map<wire::Name, int> asks_;  ///< for definitions, since start; bounded
  std::uint64_t quarantined_ = 0;
};

}  // namespace fieldpost::coordinator
