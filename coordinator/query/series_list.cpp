#include <algorithm>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/query/series_totals.h"

namespace fieldpost::coordinator {
namespace {

struct Listed {
  NodeNo node = 0;
  SeriesInfo info;
};

rt::Result<Listed> listed_from(const rt::Statement& stmt) {
  Listed listed;
  listed.node = stmt.i64(1);
  listed.info.id = stmt.i64(0);
  listed.info.node = stmt.text(2);
  auto key = wire::SeriesKey::parse(stmt.text(3));
  if (!key) return rt::Error{rt::Errc::kCorrupt, key.error().message};
  listed.info.key = std::move(*key);
  listed.info.count = stmt.u64(4);
  listed.info.first_time = stmt.i64(5);
  listed.info.last_time = stmt.i64(6);
  return listed;
}

bool has_tag(const wire::SeriesKey& key, const std::pair<std::string, std::string>& tag) {
  return std::find(key.tags.begin(), key.tags.end(), tag) != key.tags.end();
}

rt::Result<std::vector<SeriesInfo>> with_waiting(QueryState& state, std::vector<Listed> listed) {
  std::map<NodeNo, std::map<SeriesId, ColumnCount>> by_node;
  for (const Listed& one : listed) {
    ColumnCount& total = by_node[one.node][one.info.id];
    if (one.info.count > 0) {
      total = {one.info.count, one.info.first_time, one.info.last_time};
    }
  }
  for (auto& [node, counts] : by_node) {
    if (auto done = add_waiting(state, node, counts); !done) return done.error();
  }
  std::vector<SeriesInfo> infos;
  for (Listed& one : listed) {
    const ColumnCount& total = by_node[one.node][one.info.id];
    one.info.count = total.count;
    one.info.first_time = total.count > 0 ? total.first_time : 0;
    one.info.last_time = total.count > 0 ? total.last_time : 0;
    infos.push_back(std::move(one.info));
  }
  return infos;
}

/// The statement of the filter's narrowest index, bound.
rt::Statement& select_series(rt::Database& db, const SeriesFilter& filter, SeriesId after) {
  if (filter.node.empty()) {
    return db
        .prepare(
            "SELECT series.id, node_no, node.id, key, count, first_time, last_time FROM series"
            " JOIN node ON no = node_no WHERE series.id > ? ORDER BY series.id")
        .bind(1, after);
  }
  return db
      .prepare(
          "SELECT series.id, node_no, node.id, key, count, first_time, last_time FROM node"
          " JOIN series ON node_no = no WHERE node.id = ?2 AND series.id > ?1 ORDER BY series.id")
      .bind(1, after)
      .bind_text(2, filter.node);
}

}  // namespace

bool matches(const SeriesInfo& series, const SeriesFilter& filter) {
  const wire::SeriesKey& key = series.key;
  return (filter.node.empty() || series.node == filter.node) &&
         (filter.measurement.empty() || key.measurement == filter.measurement) &&
         (filter.field.empty() || key.field == filter.field) &&
         std::all_of(filter.tags.begin(), filter.tags.end(),
                     [&](const auto& tag) { return has_tag(key, tag); });
}

rt::Result<std::vector<SeriesInfo>> ReadingQuery::series(const SeriesFilter& filter, SeriesId after,
                                                         std::size_t limit) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  rt::Statement& stmt = select_series(state_->db, filter, after);
  std::vector<Listed> listed;
  while (listed.size() < limit) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return with_waiting(*state_, std::move(listed));
    auto one = listed_from(stmt);
    if (!one) return one.error();
    if (matches(one->info, filter)) listed.push_back(std::move(*one));
  }
  stmt.reset();
  return with_waiting(*state_, std::move(listed));
}

rt::Result<std::vector<SeriesInfo>> ReadingQuery::series_keys(SeriesId after, std::size_t limit) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  rt::Statement& stmt = select_series(state_->db, {}, after);
  std::vector<SeriesInfo> infos;
  while (infos.size() < limit) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return infos;
    auto one = listed_from(stmt);
    if (!one) return one.error();
    infos.push_back({.id = one->info.id, .node = one->info.node, .key = one->info.key});
  }
  stmt.reset();
  return infos;
}

rt::Result<std::vector<SeriesInfo>> ReadingQuery::series_by_id(const std::vector<SeriesId>& ids) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  std::vector<Listed> listed;
  for (const SeriesId id : ids) {
    rt::Statement& stmt = state_->db.prepare(
        "SELECT series.id, node_no, node.id, key, count, first_time, last_time FROM series"
        " JOIN node ON no = node_no WHERE series.id = ?");
    const auto row = stmt.bind(1, id).step();
    if (!row) return row.error();
    if (!*row) continue;
    auto one = listed_from(stmt);
    stmt.reset();
    if (!one) return one.error();
    listed.push_back(std::move(*one));
  }
  return with_waiting(*state_, std::move(listed));
}

}  // namespace fieldpost::coordinator
