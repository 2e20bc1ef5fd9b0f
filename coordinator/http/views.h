#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/query/boot_offsets.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/gap_table.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/replacement.h"
#include "coordinator/store/sampling_table.h"
#include "proto/rt/result.h"
#include "proto/wire/body.h"
#include "proto/wire/ids.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings.h"

/// What the HTTP routes show of the coordinator, and what they ask of it.
namespace fieldpost::coordinator {

struct NodeView {
  std::string id;
  std::string site;
  bool has_agent = true;  ///< false: only writes over HTTP made it known; nobody can be online
  bool online = false;
  std::int64_t last_seen = 0;  ///< ns, the coordinator's clock; 0: never
  std::string version;
  std::vector<std::string> labels;
  std::optional<bool> clock_synchronised;  ///< absent: the node never told
  std::optional<double> clock_offset_s;    ///< node minus coordinator, when its state arrived
  std::uint64_t spool_records = 0;
  std::uint64_t spool_bytes = 0;
  double spool_oldest_age_s = 0;
  std::optional<std::uint64_t> spool_forecast_s;  ///< until the first class sheds; absent: not in
                                                  ///< sight
  std::string spool_forecast_class;
  std::uint64_t accepted = 0;                ///< readings, as the node told
  std::uint64_t held = 0;                    ///< readings that the node still owes
  std::uint64_t delivered = 0;               ///< readings in stored records
  std::uint64_t unexplained = 0;             ///< 0 in a sound system
  bool gaps_unknown = false;                 ///< some gap does not know how many it lost
  std::uint64_t gaps = 0;                    ///< rows of the ledger that are not closed
  std::uint64_t readings_lost = 0;           ///< in them, the part that is known
  std::optional<std::int64_t> unknown_from;  ///< ns: what the node took after this is not known
  std::uint64_t disk_bytes_written = 0;
  std::uint64_t wire_bytes_sent = 0;
  std::uint64_t messages_ignored = 0;
  std::optional<ToldSampling> sampling;  ///< absent: it was never told how often to measure
  std::vector<std::string> alarms;       ///< one sentence each; empty when all is well
};

struct NodePage {
  std::vector<NodeView> nodes;  ///< ordered by id
  bool more = false;
};

enum class GapState : std::uint8_t { kUnconfirmed = 1, kDeclared = 2, kClosed = 3 };
[[nodiscard]] std::string_view to_string(GapState state);

struct GapView {
  std::int64_t id = 0;
  std::string node;
  std::optional<std::vector<SeriesId>> series;  ///< absent: not known which
  std::optional<std::int64_t> from, to;         ///< ns, first and last time; absent: not known
  std::optional<std::uint64_t> readings;        ///< absent: not known how many
  std::uint64_t fragments = 0;                  ///< of bodies: no readings
  std::string cause;  ///< wire::to_string(GapCause), "deleted" or "retention"
  std::string by;     ///< of those two: who or which rule; empty otherwise
  GapState state = GapState::kDeclared;
  std::optional<GapOrigin> origin;  ///< of an imported one; absent: this store, or not known
};

/// A gap of unknown series or time matches every filter of that sort: it may concern it.
struct GapFilter {
  std::string node;               ///< empty: any
  std::vector<SeriesId> series;   ///< empty: any; otherwise what may concern one of them
  std::int64_t from = INT64_MIN;  ///< included
  std::int64_t to = INT64_MAX;    ///< excluded
};

struct GapPage {
  std::vector<GapView> gaps;  ///< ordered by id
  bool more = false;
};

struct CommandView {
  std::uint64_t id = 0;
  std::int64_t created = 0;  ///< ns
  std::int64_t expires = 0;
  std::string verb;
  std::string arguments;               ///< JSON object
  std::optional<std::string> outcome;  ///< JSON; absent: not answered yet
};

/// What became of records that were not understood when they came.
struct ReprocessView {
  std::uint64_t stored = 0;
  std::uint64_t given_up = 0;
  std::uint64_t left = 0;
};

struct CommandPage {
  std::vector<CommandView> commands;  ///< ordered by id
  bool more = false;
};

struct LiveReading {
  SeriesId series = 0;
  wire::ValueType type = wire::ValueType::kF64;
  std::int64_t time = 0;    ///< ns
  std::uint64_t value = 0;  ///< bits as in wire::Column; for strings see `text`
  std::string text;         ///< kString only
};

/// Each is called on the loop, after what it tells is committed; never inside `subscribe`. Dropping
/// the subscription inside a call is allowed.
struct LiveHandlers {
  std::function<void(const std::vector<LiveReading>&)> on_readings;  ///< of one commit, not empty
  std::function<void(const GapView&)> on_gap;                        ///< new or changed
  std::function<void(const NodeView&)> on_node;                      ///< changed
};

/// Dropping it ends it: no handler is called after that.
class LiveSubscription {
 public:
  virtual ~LiveSubscription() = default;
};

struct HttpWrite {
  std::string node;  ///< made if new
  wire::ParsedLines lines;
  std::string idempotency_key;  ///< empty: none; remembered for a day
};

struct HttpWriteAnswer {
  std::size_t lines = 0;  ///< stored now, or before under the same idempotency key
};

/// A body with the reading that tells of it.
struct HttpBlob {
  std::string node;  ///< made if new
  wire::ParsedLines lines;
  wire::BodyReference reference;
  std::string path;  ///< of its bytes, synced and checked; empty: they are stored already
  std::string idempotency_key;  ///< empty: none; remembered for a day
};

enum class MetricKind : std::uint8_t { kCounter, kGauge };

/// One family of Prometheus samples.
struct Metric {
  struct Sample {
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;
  };
  std::string name;  ///< fieldpost_…, unit in it; counters end in _total
  std::string help;
  MetricKind kind = MetricKind::kCounter;
  std::vector<Sample> samples;
};

struct Readiness {
  bool ready = false;
  std::string why_not;  ///< what is awaited; empty when ready
};

/// The coordinator as its HTTP routes see it. Loop thread only. A `done` may be called before the
/// call that got it returns, and is called exactly once.
class CoordinatorView {
 public:
  virtual ~CoordinatorView() = default;

  /// Nodes with ids above `after` (bytewise), at most `limit`.
  virtual void list_nodes(std::string after, std::size_t limit,
                          std::function<void(rt::Result<NodePage>)> done) = 0;
  /// kNotFound when there is no such node.
  virtual void find_node(std::string id, std::function<void(rt::Result<NodeView>)> done) = 0;
  /// Gaps with ids above `after`, at most `limit`.
  virtual void list_gaps(GapFilter filter, std::int64_t after, std::size_t limit,
                         std::function<void(rt::Result<GapPage>)> done) = 0;

  /// Commands with ids above `after`; kNotFound when there is no such node.
  virtual void list_commands(std::string node, std::uint64_t after, std::size_t limit,
                             std::function<void(rt::Result<CommandPage>)> done) = 0;
  /// Queues a signed command. kNotFound: no such node; kInvalid: no such verb, or bad arguments.
  virtual void send_command(std::string node, std::string verb, std::string arguments,
                            std::function<void(rt::Result<CommandView>)> done) = 0;

  /// Of machines that are one node, the next that says hello is taken as new [back-3]. kNotFound:
  /// no such node.
  virtual void release_node(std::string node, std::function<void(rt::Status)> done) = 0;
  /// Goes through what is quarantined of `node` (empty: of all nodes). kNotFound: no such node.
  virtual void reprocess(std::string node, bool give_up,
                         std::function<void(rt::Result<ReprocessView>)> done) = 0;

  /// Readings of these series as they are stored, and every change of a gap or node.
  [[nodiscard]] virtual std::unique_ptr<LiveSubscription> subscribe(
      const std::vector<SeriesId>& series, LiveHandlers handlers) = 0;

  /// `done` after the commit (fsync): with kFull or kBusy nothing was kept and the client may offer
  /// it again; kInvalid: the node's name.
  virtual void write(HttpWrite write, std::function<void(rt::Result<HttpWriteAnswer>)> done) = 0;

  /// The same of a body: its file and its reading are stored together. `path` is gone then.
  virtual void write_blob(HttpBlob blob, std::function<void(rt::Status)> done) = 0;

  /// `done` after the commit; from then on no answer has them. kNotFound: no such series; kFull:
  /// too many deletions.
  virtual void delete_readings(DeletionRequest request,
                               std::function<void(rt::Result<std::vector<Deletion>>)> done) = 0;

  /// `done` after the commit. As Store::replace_readings says.
  virtual void replace_readings(Replacement replacement,
                                std::function<void(rt::Result<Replaced>)> done) = 0;

  [[nodiscard]] virtual std::shared_ptr<const BootOffsets> boot_offsets() const = 0;
  [[nodiscard]] virtual std::vector<Metric> metrics() const = 0;
  [[nodiscard]] virtual Readiness readiness() const = 0;
};

}  // namespace fieldpost::coordinator
