#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/http/views.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// What the ledger says of a node; the live part is the coordinator's.
struct NodeRecord {
  std::string id;
  std::int64_t last_seen = 0;
  std::string version;
  std::vector<std::string> labels;
  bool run_twice = false;
  /// The store was set back to this time (ns), and the node has not said hello since.
  std::optional<std::int64_t> unheard_since;
  bool has_agent = false;      ///< some hello of it was confirmed
  std::uint64_t accepted = 0;  ///< as the node told, and over HTTP
  std::uint64_t held = 0;      ///< as it told with that
  std::uint64_t shed = 0;      ///< the same; 0: it owed no record that may tell of it
  std::uint64_t delivered = 0;
  std::uint64_t gaps = 0;                ///< not closed
  std::uint64_t readings_lost = 0;       ///< in them, the part that is known
  std::uint64_t quarantined = 0;         ///< readings, the part that is known
  std::uint64_t damaged = 0;             ///< of those, what was damaged in the store and not healed
  std::optional<ToldSampling> sampling;  ///< absent: never told
  bool lost_unknown = false;             ///< some gap or quarantined record does not know how many
};

/// Questions about nodes, gaps and commands, over a read-only connection of its own; one thread.
class LedgerQuery {
 public:
  static rt::Result<LedgerQuery> open(const std::string& path, const std::string& vfs);

  rt::Result<wire::StoreId> store_id();  ///< zero: no coordinator has opened the file yet
  /// Nodes with ids above `after`, at most `limit`; only `only` when that is not empty.
  rt::Result<std::vector<NodeRecord>> nodes(const std::string& after, std::size_t limit,
                                            const std::string& only);
  rt::Result<std::vector<GapView>> gaps(const GapFilter& filter, std::int64_t after,
                                        std::size_t limit);
  rt::Result<std::optional<GapView>> gap(std::int64_t no);
  /// What makes times right that were stamped by wrong clocks; boots of which enough is known.
  rt::Result<BootOffsets> boot_offsets();
  /// kNotFound: no such node.
  rt::Result<std::vector<CommandView>> commands(const std::string& node, std::uint64_t after,
                                                std::size_t limit);

 private:
  explicit LedgerQuery(rt::Database db) : db_(std::move(db)) {}
  struct FoundGap {
    GapView gap;
    std::string sets;
    NodeNo node = 0;
    std::string measurement;  ///< of a deletion; empty: any, or none
  };
  rt::Result<std::vector<FoundGap>> scan_gaps(const GapFilter& filter, std::int64_t after,
                                              std::size_t limit);
  rt::Result<GapView> read_gap(rt::Statement& row, std::string& sets, NodeNo& node);
  rt::Result<std::vector<SeriesId>> series_of(NodeNo node, const std::string& sets);
  using DeletedScope = std::tuple<NodeNo, std::string, bool>;  ///< measurement; whether by a rule
  using DeletedSeries = std::map<DeletedScope, std::vector<SeriesId>>;
  rt::Status name_series(FoundGap& found, DeletedSeries& deleted);
  /// Adds what it finds to `known`, into which the answer points.
  rt::Result<const std::vector<SeriesId>*> series_deleted(const DeletedScope& scope,
                                                          DeletedSeries& known);
  rt::Database db_;
};

}  // namespace fieldpost::coordinator
