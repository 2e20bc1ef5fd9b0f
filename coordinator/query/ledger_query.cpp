#include "coordinator/query/ledger_query.h"

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/store/deletion_table.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

constexpr std::size_t kGapsScannedAtOnce = 1000;  // in memory, for a filter by series

constexpr std::string_view kGapColumns =
    "SELECT g.no, n.id, g.cause, g.state, g.first_time, g.last_time, g.readings, g.readings_known,"
    " g.sets, g.node_no, d.measurement, d.state, d.reason, g.fragments, g.origin_store, g.origin_no"
    " FROM gap g JOIN node n ON n.no = g.node_no LEFT JOIN deletion d ON d.gap_no = g.no ";

/// A sum that SQLite made as a double, since one of integers fails when they are too large.
std::uint64_t readings_in(double sum) {
  constexpr double kExact = 1ull << 53;
  return static_cast<std::uint64_t>(std::clamp(sum, 0.0, kExact));
}

std::vector<std::string> parse_labels(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& each : nlohmann::json::parse(text, nullptr, false)) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

/// A gap of which the series are not known may concern each of them.
bool concerns_any(const GapView& gap, const std::vector<SeriesId>& series) {
  if (series.empty() || !gap.series) return true;
  return std::any_of(series.begin(), series.end(), [&](SeriesId id) {
    return std::binary_search(gap.series->begin(), gap.series->end(), id);
  });
}

}  // namespace

Result<LedgerQuery> LedgerQuery::open(const std::string& path, const std::string& vfs) {
  rt::DatabaseOptions options;
  options.read_only = true;
  options.vfs = vfs;
  auto db = rt::Database::open(path, options);
  if (!db) return db.error();
  return LedgerQuery(std::move(*db));
}

Result<wire::StoreId> LedgerQuery::store_id() {
  rt::Statement& get = db_.prepare("SELECT value FROM fact WHERE key = 'store_id'");
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return wire::StoreId();
  const wire::StoreId id = wire::Id128::from_bytes(get.blob(0));
  get.reset();
  return id;
}

Result<BootOffsets> LedgerQuery::boot_offsets() {
  BootOffsets out;
  rt::Statement& rows = db_.prepare(
      "SELECT boot, stamped_ns, good_ns FROM boot_clock"
      " WHERE stamped_ns IS NOT NULL AND good_ns IS NOT NULL");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    const auto offset = static_cast<std::int64_t>(rows.u64(2) - rows.u64(1));
    out.emplace(wire::Id128::from_bytes(rows.blob(0)), offset);
  }
}

Result<std::vector<NodeRecord>> LedgerQuery::nodes(const std::string& after, std::size_t limit,
                                                   const std::string& only) {
  auto told = SamplingTable(db_).list(false);
  if (!told) return told.error();
  std::map<std::string, ToldSampling> sampling;
  for (ToldSampling& each : *told) sampling.emplace(each.node, std::move(each));
  std::vector<NodeRecord> out;
  rt::Statement& rows = db_.prepare(
      "SELECT n.id, n.last_seen_ns, n.version, n.labels, n.run_twice, n.accepted + n.accepted_http,"
      " n.held, n.shed, n.delivered, count(g.no), total(g.readings),"
      " coalesce(min(g.readings_known), 1),"
      " n.current_incarnation IS NOT NULL,"
      " (SELECT coalesce(sum(readings), 0) FROM damage d WHERE d.node_no = n.no),"
      " (SELECT value FROM fact WHERE key = 'set_back_to' AND n.last_hello_ns <= value"
      " AND n.current_incarnation IS NOT NULL),"
      " (SELECT coalesce(sum(readings), 0) FROM quarantine q WHERE q.node_no = n.no),"
      " EXISTS (SELECT 1 FROM quarantine q WHERE q.node_no = n.no AND q.readings IS NULL)"
      " FROM node n LEFT JOIN gap g ON g.node_no = n.no AND g.state != 3"
      " AND NOT EXISTS (SELECT 1 FROM deletion d WHERE d.gap_no = g.no)"
      " WHERE n.id > ?1 AND (?3 = '' OR n.id = ?3) GROUP BY n.no ORDER BY n.id LIMIT ?2");
  rows.bind_text(1, after).bind(2, std::uint64_t{limit}).bind_text(3, only);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    NodeRecord node;
    node.id = std::string(rows.text(0));
    node.last_seen = rows.i64(1);
    node.version = std::string(rows.text(2));
    node.labels = parse_labels(rows.text(3));
    node.run_twice = rows.i64(4) != 0;
    node.accepted = rows.u64(5);
    node.held = rows.u64(6);
    node.shed = rows.u64(7);
    node.delivered = rows.u64(8);
    node.gaps = rows.u64(9);
    node.readings_lost = readings_in(rows.f64(10));
    node.lost_unknown = rows.i64(11) == 0 || rows.i64(16) != 0;
    node.quarantined = rows.u64(15);
    node.has_agent = rows.i64(12) != 0;
    node.damaged = rows.u64(13);
    if (!rows.is_null(14)) node.unheard_since = rows.i64(14);
    if (const auto at = sampling.find(node.id); at != sampling.end()) node.sampling = at->second;
    out.push_back(std::move(node));
  }
}

Result<GapView> LedgerQuery::read_gap(rt::Statement& row, std::string& sets, NodeNo& node) {
  GapView gap;
  gap.id = row.i64(0);
  gap.node = std::string(row.text(1));
  gap.cause = std::string(wire::to_string(static_cast<wire::GapCause>(row.i64(2))));
  gap.state = static_cast<GapState>(row.i64(3));
  if (!row.is_null(4) && row.i64(4) != INT64_MIN) gap.from = row.i64(4);
  if (!row.is_null(5) && row.i64(5) != INT64_MAX) gap.to = row.i64(5);
  if (row.i64(7) != 0) gap.readings = row.u64(6);
  gap.fragments = row.u64(13);
  if (!row.is_null(8)) {
    sets = std::string(row.blob(8));
    gap.series.emplace();
  }
  node = row.i64(9);
  if (!row.is_null(10)) {
    const bool by_rule = row.i64(11) == static_cast<int>(DeletionState::kRule);
    gap.cause = by_rule ? "retention" : "deleted";
    gap.by = std::string(row.text(12));
  }
  if (!row.is_null(14)) gap.origin = {wire::Id128::from_bytes(row.blob(14)), row.i64(15)};
  return gap;
}

Result<const std::vector<SeriesId>*> LedgerQuery::series_deleted(const DeletedScope& scope,
                                                                 DeletedSeries& known) {
  const auto [at, is_new] = known.try_emplace(scope);
  if (!is_new) return &at->second;
  const auto& [node, measurement, by_rule] = scope;
  rt::Statement& rows = db_.prepare("SELECT id, key FROM series WHERE node_no = ?1 ORDER BY id");
  rows.bind(1, node);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return &at->second;
    if (concerns(measurement, by_rule, rows.text(1))) at->second.push_back(rows.i64(0));
  }
}

Result<std::vector<SeriesId>> LedgerQuery::series_of(NodeNo node, const std::string& sets) {
  std::vector<SeriesId> out;
  for (std::size_t at = 0; at + 16 <= sets.size(); at += 16) {
    const std::string hash = sets.substr(at, 16);
    rt::Statement& get = db_.prepare(
        "SELECT ids FROM node_set JOIN series_set ON series_set.no = node_set.set_no"
        " WHERE node_set.node_no = ?1 AND series_set.hash = ?2");
    get.bind(1, node).bind_blob(2, hash);
    const auto row = get.step();
    if (!row) return row.error();
    if (!*row) continue;  // nothing of that set was ever stored: its series have no ids
    const std::string_view ids = get.blob(0);
    for (std::size_t i = 0; i + 8 <= ids.size(); i += 8) {
      std::uint64_t id = 0;
      for (std::size_t k = 8; k-- > 0;) id = (id << 8) | static_cast<std::uint8_t>(ids[i + k]);
      out.push_back(std::bit_cast<SeriesId>(id));
    }
    get.reset();
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<std::vector<LedgerQuery::FoundGap>> LedgerQuery::scan_gaps(const GapFilter& filter,
                                                                  std::int64_t after,
                                                                  std::size_t limit) {
  static const std::string kSql =
      std::string(kGapColumns) +
      "WHERE g.no > ?1 AND (?2 = '' OR n.id = ?2) AND ?3 < ?4 AND (g.first_time IS NULL OR"
      " (g.first_time < ?4 AND g.last_time >= ?3)) ORDER BY g.no LIMIT ?5";
  rt::Statement& rows = db_.prepare(kSql);
  rows.bind(1, after).bind_text(2, filter.node).bind(3, filter.from).bind(4, filter.to);
  rows.bind(5, std::uint64_t{limit});
  std::vector<FoundGap> found;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return found;
    FoundGap each;
    auto gap = read_gap(rows, each.sets, each.node);
    if (!gap) return gap.error();
    each.gap = std::move(*gap);
    if (!rows.is_null(10)) each.measurement = std::string(rows.text(10));
    found.push_back(std::move(each));
  }
}

rt::Status LedgerQuery::name_series(FoundGap& found, DeletedSeries& deleted) {
  if (!found.measurement.empty()) {
    const auto series =
        series_deleted({found.node, found.measurement, found.gap.cause == "retention"}, deleted);
    if (!series) return series.error();
    found.gap.series = **series;
    return rt::ok();
  }
  if (!found.gap.series) return rt::ok();
  auto series = series_of(found.node, found.sets);
  if (!series) return series.error();
  found.gap.series = std::move(*series);
  // A set nobody stored yet has no ids: then it is not known which series are concerned.
  if (found.gap.series->empty() && !found.sets.empty()) found.gap.series.reset();
  return rt::ok();
}

Result<std::vector<GapView>> LedgerQuery::gaps(const GapFilter& filter, std::int64_t after,
                                               std::size_t limit) {
  std::vector<GapView> out;
  DeletedSeries deleted;  // each asks for all series of a node, and many ask the same
  while (out.size() < limit) {
    // A filter by series is applied here, so any number of rows may go by without a match.
    const std::size_t rows = filter.series.empty() ? limit - out.size() : kGapsScannedAtOnce;
    auto found = scan_gaps(filter, after, rows);
    if (!found) return found.error();
    for (FoundGap& each : *found) {
      after = each.gap.id;
      if (auto done = name_series(each, deleted); !done) return done.error();
      if (concerns_any(each.gap, filter.series)) out.push_back(std::move(each.gap));
      if (out.size() == limit) break;
    }
    if (found->size() < rows) break;
  }
  return out;
}

Result<std::optional<GapView>> LedgerQuery::gap(std::int64_t no) {
  auto found = gaps({}, no - 1, 1);
  if (!found) return found.error();
  if (found->empty() || found->front().id != no) return std::optional<GapView>{};
  return std::optional<GapView>{std::move(found->front())};
}

Result<std::vector<CommandView>> LedgerQuery::commands(const std::string& node, std::uint64_t after,
                                                       std::size_t limit) {
  rt::Statement& find = db_.prepare("SELECT no FROM node WHERE id = ?1");
  find.bind_text(1, node);
  const auto known = find.step();
  if (!known) return known.error();
  if (!*known) return Error{Errc::kNotFound, "no such node: " + node};
  const NodeNo no = find.i64(0);
  find.reset();
  std::vector<CommandView> out;
  rt::Statement& rows = db_.prepare(
      "SELECT id, created_ns, expires_ns, verb, arguments, outcome FROM command"
      " WHERE node_no = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
  rows.bind(1, no).bind(2, after).bind(3, std::uint64_t{limit});
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    CommandView command{
        rows.u64(0), rows.i64(1), rows.i64(2), std::string(rows.text(3)), std::string(rows.text(4)),
        std::nullopt};
    if (!rows.is_null(5)) command.outcome = std::string(rows.text(5));
    out.push_back(std::move(command));
  }
}

}  // namespace fieldpost::coordinator
