#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spool/spool_record.h"
#include "agent/spool/spool_rows.h"
#include "proto/rt/random.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// Name of the spool's file inside its directory.
inline constexpr const char* kSpoolFileName = "spool.db";

/// What one class of readings holds.
struct ClassTotals {
  std::uint64_t records = 0, bytes = 0;
  bool operator==(const ClassTotals&) const = default;
};

/// What is in the spool, kept up to date by every operation.
struct SpoolTotals {
  std::uint64_t records_held = 0, bytes_held = 0, readings_held = 0;
  std::uint64_t records_kept = 0, bytes_kept = 0;
  std::uint64_t gap_bytes_held = 0;
  std::uint64_t event_bytes_held = 0;  ///< of events and logs
  ClassTotals bodies_held;             ///< fragments
  std::array<ClassTotals, wire::kReadingClassesMax> classes_held{};
  std::uint64_t accepted = 0;  ///< readings that got a name since the spool was made
  std::uint64_t shed = 0;      ///< readings
  bool operator==(const SpoolTotals&) const = default;
};

/// The held record that was accepted first.
struct OldestHeld {
  RecordClass record_class = RecordClass::kReadings;
  std::uint64_t age_ms = 0;  ///< the spool's age when it was accepted
};

/// The live incarnation.
struct LiveIncarnation {
  wire::IncarnationId id;
  std::uint64_t lease = 0;    ///< seqs up to here may be handed out
  std::uint64_t ordinal = 0;  ///< 0: not known yet
};

/// Whom this node belongs to.
struct Pin {
  wire::StoreId store_id;  ///< zero: nobody yet
  wire::PublicKey public_key{};
  std::uint64_t generation = 0;  ///< last one obeyed
  rt::UnixTime last_time;        ///< the coordinator's, in the last welcome; 1970: none yet
};

/// A row on disk, as far as deleting it needs to know.
struct SpoolRow {
  std::int64_t no = 0;
  bool held = true;
  RecordClass record_class = RecordClass::kEvent;
  std::uint64_t bytes = 0;
  std::uint64_t readings = 0;
  wire::Hash128 set;
};

class Spool;
/// What somebody does to tables of his own, inside the spool's transaction.
using SpoolWork = std::function<rt::Status(Spool&)>;

struct Idempotency {
  std::string key;  ///< hashed before it is stored
  std::size_t lines = 0;
};

/// The durable queue: one SQLite file. Store thread only (A1). Each mutating call is one synced
/// transaction: it happened as a whole, or (on kFull, kIo, kCorrupt) not at all.
class Spool {
 public:
  /// Opens or creates, and draws a fresh live incarnation with its first lease [name-3]. `age_ms`
  /// continues from what the file says.
  static rt::Result<Spool> open(const std::string& path, const std::string& vfs,
                                rt::Random& random);

  /// Makes sure that 2 MiB of free pages are on disk already, and with them a WAL that has been as
  /// long: when the disk is full, marks and shedding still get there. Writes nothing if as many
  /// pages are free. kFull: it is full now.
  rt::Status reserve_space();

  [[nodiscard]] const LiveIncarnation& live() const { return live_; }
  [[nodiscard]] wire::SpoolId id() const { return spool_id_; }
  [[nodiscard]] const SpoolTotals& totals() const { return totals_; }
  [[nodiscard]] const Pin& pin() const { return pin_; }
  /// Elapsed running time of this spool over all boots, as of the last transaction.
  [[nodiscard]] std::uint64_t age_ms() const { return age_ms_; }

  // ---- accepting ----
  /// What may go into the transaction of `append`.
  struct Beside {
    std::span<const Idempotency> keys;
    std::uint64_t shed = 0;      ///< readings that gaps among the records tell of
    std::uint64_t accepted = 0;  ///< readings that got a name so far; never goes back
    std::span<const SpoolWork> also;
  };
  /// Stores records under their names as held; their definitions too. `age_ms` is the spool's age
  /// now.
  rt::Status append(std::span<const SpoolRecord> records, std::uint64_t age_ms,
                    const Beside& beside);
  rt::Status append(std::span<const SpoolRecord> records, std::uint64_t age_ms) {
    return append(records, age_ms, Beside{});
  }
  /// Lines stored under this key within a day before `age_ms`.
  rt::Result<std::optional<std::size_t>> find_idempotency(std::string_view key,
                                                          std::uint64_t age_ms);
  rt::Status extend_lease(std::uint64_t accepted);

  // ---- delivering ----
  /// Held records of classes [from, to] with rows above `after`, in order, up to `bytes_max` of
  /// bodies (at least one). Definitions are filled in; damaged bodies are marked. kCorrupt: the
  /// file is damaged (as of every other call; SpoolFront then asks for salvage).
  rt::Result<std::vector<SpoolRecord>> load_held(RecordClass from, RecordClass to,
                                                 std::int64_t after, std::size_t bytes_max);
  /// Verdicts: `stored` makes held records kept, anything else but `conflict` and `none` drops
  /// them, and a dropped record's gaps go out again under a new name ([rcpt-3]). Names that are not
  /// on disk are ignored. `next_seq` is advanced for each new name.
  rt::Status settle(std::span<const wire::VerdictRange> verdicts, std::uint64_t& next_seq);
  /// [commit-4]. A fresh incarnation becomes live; the records get names 1… in it, in order, and
  /// carry their first name. Records that were in memory only come in `in_memory` and are on disk
  /// after it.
  rt::Status rename(std::span<const wire::Name> on_disk, std::span<const SpoolRecord> in_memory,
                    rt::Random& random, std::uint64_t& next_seq);
  /// Held names inside the ranges whose verdict is `conflict`, appended to `names`.
  rt::Status held_conflicts(std::span<const wire::VerdictRange> verdicts,
                            std::vector<wire::Name>& names);
  /// [wel-4]: kept records of these ranges are held again. Returns how many of their names are not
  /// on disk any more.
  rt::Result<std::uint64_t> hold_again(std::span<const wire::NameRange> ranges);
  /// One record by name, held or kept; kNotFound when it is not on disk. kCorrupt when the body
  /// does not match its hash.
  rt::Result<SpoolRecord> load(const wire::Name& name);
  /// The same, with a damaged body marked as such; kCorrupt only when the row itself is.
  rt::Result<SpoolRecord> load_as_is(const wire::Name& name);
  /// The gaps that a record carries; of a damaged one, the names that they listed.
  rt::Result<std::vector<wire::Gap>> gaps_of(const SpoolRecord& record);
  rt::Result<std::string> load_definition(const wire::Hash128& hash);
  /// Whether the record of this name has this hash; nullopt: it is not on disk.
  rt::Result<std::optional<bool>> has_hash(const wire::Name& name, const wire::Hash128& hash);

  /// Of classes [from, to]; nullopt: they hold nothing.
  rt::Result<std::optional<OldestHeld>> oldest_held(RecordClass from, RecordClass to);

  // ---- the statement ----
  /// [hello-2]…[hello-5]: every incarnation with its held and kept ranges, oldest first, from disk;
  /// the caller adds what it holds in memory.
  rt::Result<std::vector<wire::IncarnationStatement>> statement();
  rt::Status set_ordinals(std::span<const wire::OrdinalOf> ordinals);
  rt::Status set_pin(const Pin& pin);

  // ---- space ----
  /// Deletes kept records, oldest first, until `bytes` are freed or none is left. Returns bytes
  /// freed.
  rt::Result<std::uint64_t> evict_kept(std::uint64_t bytes);
  rt::Database& database() {
    return db_;
  }  ///< for shedding, inbox and salvage, which share the file

  /// Runs `work` in one synced transaction (spool_transaction.h). When anything fails, file and
  /// memory are as before.
  template <typename Work>
  rt::Status transact(Work&& work);
  /// Writes one record as held, inside the caller's transaction.
  rt::Status insert_record(const SpoolRecord& record, std::uint64_t age_ms);
  /// Deletes one record inside the caller's transaction.
  rt::Status delete_record(const SpoolRow& row);
  rt::Result<std::optional<SpoolRow>> find_row(const wire::Name& name);
  /// Counts readings as shed, inside the caller's transaction.
  rt::Status add_shed(std::uint64_t readings);
  rt::Result<std::int64_t> incarnation_no(const wire::IncarnationId& id);
  rt::Status reload_totals();
  rt::Status set_fact(std::string_view key, std::string_view value);
  rt::Status remove_fact(std::string_view key);
  rt::Result<std::string> fact(std::string_view key);                    ///< empty: none
  [[nodiscard]] wire::IncarnationId incarnation(std::int64_t no) const;  ///< none: unknown
  /// The next name, inside the caller's transaction; leases more seqs when they are used up.
  rt::Result<wire::Name> take_name(std::uint64_t& next_seq);

 private:
  explicit Spool(rt::Database db) : db_(std::move(db)) {}
  rt::Status load_identity(rt::Random& random);
  rt::Status load_incarnations();
  rt::Status draw_incarnation(rt::Random& random);    ///< inside a transaction
  rt::Status raise_lease();                           ///< inside a transaction
  rt::Status raise_accepted(std::uint64_t accepted);  ///< inside a transaction
  void count_held(RecordClass record_class, std::uint64_t bytes, std::uint64_t readings);
  void uncount_held(const SpoolRow& row);
  rt::Status add_definition_use(const wire::Hash128& set, const std::string* bytes);
  rt::Status raise_highest(std::int64_t incarnation_no, std::uint64_t seq);
  rt::Status resend_gaps(const SpoolRecord& dropped, std::uint64_t& next_seq);
  rt::Status settle_range(const wire::VerdictRange& range, std::uint64_t& next_seq);
  rt::Result<SpoolRecord> renamed(SpoolRecord record, const wire::Name& name);
  rt::Status rename_on_disk(const wire::Name& name, wire::Gap& lost, std::uint64_t& seq);
  IncarnationRow* find(const wire::IncarnationId& id);
  rt::Result<std::uint64_t> count_on_disk(std::int64_t incarnation_no, const wire::SeqRange& seqs);

  rt::Database db_;
  wire::SpoolId spool_id_;
  LiveIncarnation live_;
  std::int64_t live_no_ = 0;
  std::vector<IncarnationRow> incarnations_;
  SpoolTotals totals_;
  Pin pin_;
  std::uint64_t age_ms_ = 0;
};

}  // namespace fieldpost::agent
