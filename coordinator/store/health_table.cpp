#include "coordinator/store/health_table.h"

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

namespace {

Result<std::vector<HealthFlag>> read_all(rt::Statement& stmt) {
  std::vector<HealthFlag> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    HealthFlag flag;
    flag.no = stmt.i64(0);
    flag.experiment = stmt.i64(1);
    flag.sensor = stmt.text(2);
    flag.series = stmt.i64(3);
    flag.kind = static_cast<HealthKind>(stmt.i64(4));
    flag.from = stmt.i64(5);
    if (!stmt.is_null(6)) flag.to = stmt.i64(6);
    flag.detail = stmt.text(7);
    out.push_back(std::move(flag));
  }
}

}  // namespace

Result<std::vector<HealthFlag>> HealthTable::list(std::int64_t experiment, std::int64_t after,
                                                  std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, experiment_no, sensor, series_id, kind, from_ns, to_ns, detail FROM health_flag"
      " WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3");
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  return read_all(stmt);
}

Result<std::vector<HealthFlag>> HealthTable::open_ones(std::int64_t experiment, std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, experiment_no, sensor, series_id, kind, from_ns, to_ns, detail FROM health_flag"
      " WHERE experiment_no = ?1 AND to_ns IS NULL ORDER BY no LIMIT ?2");
  stmt.bind(1, experiment).bind(2, static_cast<std::int64_t>(limit));
  return read_all(stmt);
}

Status HealthTable::begin(const HealthFlag& flag) {
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO health_flag (experiment_no, sensor, series_id, kind, from_ns, detail)"
      " SELECT ?1, ?2, ?3, ?4, ?5, ?6"
      " WHERE (SELECT count(*) FROM health_flag WHERE experiment_no = ?1) < ?7");
  stmt.bind(1, flag.experiment).bind_text(2, flag.sensor).bind(3, flag.series);
  stmt.bind(4, static_cast<std::int64_t>(flag.kind)).bind(5, flag.from);
  return stmt.bind_text(6, flag.detail).bind(7, kHealthFlagsMax).run();
}

Status HealthTable::add_all(std::int64_t experiment, const std::vector<HealthFlag>& flags) {
  rt::Statement& count = db_.prepare("SELECT count(*) FROM health_flag WHERE experiment_no = ?1");
  const auto row = count.bind(1, experiment).step();
  if (!row) return row.error();
  std::int64_t all = count.i64(0);
  count.reset();
  for (const HealthFlag& each : flags) {
    if (all++ >= kHealthFlagsMax) return rt::ok();
    rt::Statement& stmt = db_.prepare(
        "INSERT INTO health_flag (experiment_no, sensor, series_id, kind, from_ns, to_ns, detail)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    stmt.bind(1, experiment).bind_text(2, each.sensor).bind(3, each.series);
    stmt.bind(4, static_cast<std::int64_t>(each.kind)).bind(5, each.from);
    stmt.bind(6, each.to.value_or(each.from)).bind_text(7, each.detail);
    if (auto done = stmt.run(); !done) return done;
  }
  return rt::ok();
}

Status HealthTable::end(const HealthFlag& flag) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE health_flag SET to_ns = ?5 WHERE to_ns IS NULL AND experiment_no = ?1"
      " AND sensor = ?2 AND series_id = ?3 AND kind = ?4");
  stmt.bind(1, flag.experiment).bind_text(2, flag.sensor).bind(3, flag.series);
  stmt.bind(4, static_cast<std::int64_t>(flag.kind));
  return stmt.bind(5, flag.to.value_or(flag.from)).run();
}

Status HealthTable::end_all(std::int64_t experiment, std::int64_t now) {
  rt::Statement& stmt = db_.prepare(
      "UPDATE health_flag SET to_ns = max(from_ns, ?2) WHERE to_ns IS NULL"
      " AND (?1 = 0 OR experiment_no = ?1)");
  return stmt.bind(1, experiment).bind(2, now).run();
}

}  // namespace fieldpost::coordinator
