#include "coordinator/store/health_table.h"

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

namespace {

HealthFlag read(const rt::Statement& row) {
  HealthFlag flag;
  flag.no = row.i64(0);
  flag.experiment = row.i64(1);
  flag.sensor = row.text(2);
  flag.series = row.i64(3);
  flag.kind = static_cast<HealthKind>(row.i64(4));
  flag.from = row.i64(5);
  flag.to = rt::number_or_none(row, 6);
  flag.detail = row.text(7);
  return flag;
}

}  // namespace

Result<std::vector<HealthFlag>> HealthTable::list(std::int64_t experiment, std::int64_t after,
                                                  std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, experiment_no, sensor, series_id, kind, from_ns, to_ns, detail FROM health_flag"
      " WHERE experiment_no = ?1 AND no > ?2 ORDER BY no LIMIT ?3");
  stmt.bind(1, experiment).bind(2, after).bind(3, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<std::vector<HealthFlag>> HealthTable::open_ones(std::int64_t experiment, std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, experiment_no, sensor, series_id, kind, from_ns, to_ns, detail FROM health_flag"
      " WHERE experiment_no = ?1 AND to_ns IS NULL ORDER BY no LIMIT ?2");
  stmt.bind(1, experiment).bind(2, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
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
  auto all = rt::read_number(count.bind(1, experiment));
  if (!all) return all.error();
  for (const HealthFlag& each : flags) {
    if ((*all)++ >= kHealthFlagsMax) return rt::ok();
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
      "UPDATE health_flag SET to_ns = max(from_ns, ?5) WHERE to_ns IS NULL AND experiment_no = ?1"
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
