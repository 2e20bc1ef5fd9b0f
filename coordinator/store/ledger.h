#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/store/gap_table.h"
#include "coordinator/store/moment.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/random.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

using IncarnationNo = std::int64_t;

struct IncarnationRow {
  IncarnationNo no = 0;
  NodeNo node = 0;
  wire::IncarnationId id;
  IncarnationNo parent = 0;  ///< 0: the first of its spool
  std::uint64_t ordinal = 0;
  std::uint64_t told_high = 0;
  std::uint64_t known_high = 0;
  bool left_behind = false;
};

struct NodeRow {
  NodeNo no = 0;
  std::string id;
  std::int64_t last_seen_ns = 0;
  std::string version;
  std::string labels;
  IncarnationNo current_incarnation = 0;
  bool run_twice = false;
  std::uint64_t accepted = 0, delivered = 0;
};

/// Settled verdict of a name.
struct SettledName {
  wire::Verdict verdict = wire::Verdict::kNone;  ///< kNone: not settled
  std::optional<wire::Hash128> hash;  ///< of a stored or quarantined one, while it is kept
};

/// When a gap began to wait, as long as no synchronised clock has told.
inline constexpr rt::UnixTime kSinceNotKnown{INT64_MAX};

/// Which names are settled, and how. Store thread only. Everything that changes runs inside the
/// caller's transaction and is durable with it; `forget_uncommitted` after a rollback.
class Ledger {
 public:
  explicit Ledger(rt::Database& db) : db_(db) {}
  /// Draws the store's id in a new file.
  rt::Status load(rt::Random& random);
  void forget_uncommitted();

  [[nodiscard]] wire::StoreId store_id() const { return store_id_; }
  rt::Status draw_generation(std::uint64_t value, rt::UnixTime now);
  rt::Result<bool> knows_generation(std::uint64_t value);

  /// The ordinal of what comes over HTTP from this start on [name-7], durably.
  rt::Result<std::uint64_t> draw_http_ordinal(rt::UnixTime now);

  /// No ordinal that this store gave or was told is higher.
  [[nodiscard]] std::uint64_t ordinal_max() const { return ordinal_counter_; }

  // ---- nodes and incarnations ----
  rt::Result<NodeNo> node_no(const std::string& id, rt::UnixTime now);  ///< made if new
  rt::Result<std::optional<NodeNo>> find_node(const std::string& id);
  rt::Result<NodeRow> node(NodeNo no);
  rt::Result<std::optional<IncarnationRow>> find(const wire::IncarnationId& id);
  rt::Result<IncarnationRow> row(IncarnationNo no);
  /// Enters it with the ordinal that the node was told once [name-5]; with the next one when it was
  /// told none (0), or says one beyond `kToldNumberMax`.
  rt::Result<IncarnationRow> enter(NodeNo node, const wire::IncarnationId& id, IncarnationNo parent,
                                   std::uint64_t told_ordinal, rt::UnixTime now);
  rt::Status raise_known(const IncarnationRow& row, std::uint64_t high);
  rt::Status set_told(const IncarnationRow& row, std::uint64_t high);
  rt::Result<std::vector<IncarnationRow>> incarnations_of(NodeNo node);
  rt::Status execute(std::string_view sql, std::int64_t a, std::int64_t b = 0);

  // ---- settling ----
  rt::Result<SettledName> settled(IncarnationNo incarnation, std::uint64_t seq);
  /// The parts of `range` that are not settled.
  rt::Result<std::vector<wire::SeqRange>> unsettled(IncarnationNo incarnation,
                                                    wire::SeqRange range);
  /// Settles what must not be settled yet. `hash` for stored and quarantined names.
  rt::Status settle(IncarnationNo incarnation, wire::SeqRange range, wire::Verdict verdict);
  /// Like `settle` for one name, as a row of its own: its verdict may change later (quarantine).
  rt::Status settle_alone(IncarnationNo incarnation, std::uint64_t seq, wire::Verdict verdict);
  rt::Status keep_hash(IncarnationNo incarnation, std::uint64_t seq, const wire::Hash128& hash);
  rt::Status drop_hashes(IncarnationNo incarnation, wire::SeqRange range);
  rt::Result<std::vector<std::pair<std::uint64_t, wire::Hash128>>> hashes(IncarnationNo incarnation,
                                                                          wire::SeqRange range);
  /// Settled names of `range` that are not stored, as ranges.
  rt::Result<std::vector<std::pair<wire::SeqRange, wire::Verdict>>> not_stored(
      IncarnationNo incarnation, wire::SeqRange range);

  // ---- gaps ----
  /// Of an unconfirmed one `now` may be kSinceNotKnown.
  rt::Result<std::int64_t> add_gap(const NewGap& gap, rt::UnixTime now);
  /// `each`: readings of each name; nullopt: not known.
  rt::Status add_gap_names(std::int64_t gap, IncarnationNo incarnation, wire::SeqRange range,
                           std::optional<std::uint64_t> each);
  /// A node tells again of names that it lost, and how many readings of each in all: where a gap
  /// counts less, it now counts that. Returns the names that no gap lists.
  rt::Result<std::vector<wire::SeqRange>> raise_gap_names(IncarnationNo incarnation,
                                                          wire::SeqRange range, std::uint64_t each);
  /// Takes names out of an unconfirmed gap (they arrived, or are stated as held); a gap without
  /// names is closed. Returns the gaps that changed.
  rt::Status leave_unconfirmed(IncarnationNo incarnation, wire::SeqRange range);
  /// Unconfirmed gaps that waited so long become declared: names settle. By a clock that is not
  /// synchronised none has. Those made by such a clock wait from the first call with a good one.
  rt::Status declare_unconfirmed(const Moment& now, rt::Nanos wait);
  /// The same with all of `node`, at once.
  rt::Status declare_unconfirmed(NodeNo node);
  rt::Result<bool> has_unconfirmed(IncarnationNo incarnation, wire::SeqRange range);

 private:
  rt::Status extend_settled(IncarnationNo incarnation, wire::SeqRange range);
  rt::Status close_if_empty(std::int64_t gap);
  rt::Result<std::vector<std::int64_t>> list_unconfirmed(std::string_view where,
                                                         std::int64_t argument);
  rt::Status settle_names_of(std::int64_t gap);
  rt::Status declare(const std::vector<std::int64_t>& gaps);
  rt::Status put_gap_names(std::int64_t gap, IncarnationNo incarnation, wire::SeqRange range,
                           std::optional<std::uint64_t> each);
  std::uint64_t next_ordinal(rt::UnixTime now);

  rt::Database& db_;
  wire::StoreId store_id_;
  std::uint64_t ordinal_counter_ = 0;
  bool has_unconfirmed_ =
      true;  ///< whether any unconfirmed gap may exist: spares a look-up a record
  std::unordered_map<wire::IncarnationId, IncarnationRow> cache_;
};

}  // namespace fieldpost::coordinator
