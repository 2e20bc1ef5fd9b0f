#include "coordinator/store/press_table.h"

#include <array>

#include "coordinator/store/batch_table.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

namespace {

constexpr std::array kActions{PressAction::kStart, PressAction::kStop, PressAction::kToggle};

Press read(const rt::Statement& row) {
  Press press;
  press.series = row.i64(0);
  press.time = row.i64(1);
  press.boot = wire::Id128::from_bytes(row.blob(2));
  press.action = static_cast<PressAction>(row.i64(3));
  press.by = row.text(4);
  press.arrived = row.i64(5);
  press.problem = row.text(6);
  press.at = rt::number_or_none(row, 7);
  return press;
}

/// Presses of button ?1 before ?2: those with good times, and the others. Each has a range of the
/// key of its own.
constexpr std::array<std::string_view, 2> kBefore{
    " WHERE series_id = ?1 AND boot = x'' AND time_ns < ?2",
    " WHERE series_id = ?1 AND boot > x'' AND (SELECT time_ns + (good_ns - stamped_ns)"
    " FROM boot_clock AS b WHERE b.boot = press.boot) < ?2"};

}  // namespace

PressAction parse_press_action(std::string_view text) {
  for (const PressAction action : kActions) {
    if (to_string(action) == text) return action;
  }
  return PressAction::kNone;
}

std::string_view to_string(PressAction action) {
  switch (action) {
    case PressAction::kNone: return "none";
    case PressAction::kStart: return "start";
    case PressAction::kStop: return "stop";
    case PressAction::kToggle: return "toggle";
  }
  return "";
}

Status PressTable::put(const Press& press) {
  const std::string boot = boot_bytes(press.boot);
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO press (series_id, time_ns, boot, action, by, arrived_ns, problem, ordinal, seq)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (series_id, boot, time_ns)"
      " DO UPDATE SET action = excluded.action, by = excluded.by, arrived_ns = excluded.arrived_ns,"
      " problem = excluded.problem, ordinal = excluded.ordinal, seq = excluded.seq"
      " WHERE (excluded.ordinal, excluded.seq) >= (press.ordinal, press.seq)");
  stmt.bind(1, press.series).bind(2, press.time).bind_blob(3, boot);
  stmt.bind(4, static_cast<std::int64_t>(press.action)).bind_text(5, press.by);
  stmt.bind(6, press.arrived).bind_text(7, press.problem);
  return stmt.bind(8, press.rank.ordinal).bind(9, press.rank.seq).run();
}

Result<bool> PressTable::has(const Press& press) {
  const std::string boot = boot_bytes(press.boot);
  rt::Statement& stmt =
      db_.prepare("SELECT count(*) FROM press WHERE series_id = ?1 AND boot = ?2 AND time_ns = ?3");
  stmt.bind(1, press.series).bind_blob(2, boot).bind(3, press.time);
  const auto found = rt::read_number(stmt);
  if (!found) return found.error();
  return *found > 0;
}

Result<std::int64_t> PressTable::count(SeriesId series) {
  rt::Statement& stmt = db_.prepare("SELECT count(*) FROM press WHERE series_id = ?1");
  return rt::read_number(stmt.bind(1, series));
}

Status PressTable::set_problem(Press& press, const std::string& problem) {
  if (press.problem == problem) return rt::ok();
  press.problem = problem;
  const std::string boot = boot_bytes(press.boot);
  rt::Statement& stmt = db_.prepare(
      "UPDATE press SET problem = ?4 WHERE series_id = ?1 AND boot = ?2 AND time_ns = ?3");
  stmt.bind(1, press.series).bind_blob(2, boot).bind(3, press.time).bind_text(4, problem);
  return stmt.run();
}

Result<std::vector<Press>> PressTable::since(SeriesId series, std::int64_t from) {
  // Most have good times: of those only the wanted ones are read.
  rt::Statement& stmt = db_.prepare(
      "SELECT * FROM (SELECT series_id, time_ns, boot, action, by, arrived_ns, problem,"
      " time_ns AS at FROM press WHERE series_id = ?1 AND boot = x'' AND time_ns >= ?2"
      " UNION ALL SELECT series_id, time_ns, p.boot, action, by, arrived_ns, problem,"
      " time_ns + (good_ns - stamped_ns) AS at"
      " FROM press AS p LEFT JOIN boot_clock AS b ON b.boot = p.boot"
      " WHERE series_id = ?1 AND p.boot > x'' AND (at IS NULL OR at >= ?2))"
      " ORDER BY at IS NULL, at, time_ns, boot");
  stmt.bind(1, series).bind(2, from);
  return rt::read_rows(stmt, read);
}

Result<std::int64_t> PressTable::floor(SeriesId series) {
  rt::Statement& stmt =
      db_.prepare("SELECT coalesce(max(from_ns), ?2) FROM press_floor WHERE series_id = ?1");
  stmt.bind(1, series).bind(2, std::int64_t{INT64_MIN});
  return rt::read_number(stmt);
}

Status PressTable::drop_before(SeriesId series, std::int64_t time) {
  for (const std::string_view before : kBefore) {
    rt::Statement& drop = db_.prepare(std::string("DELETE FROM press").append(before));
    if (auto done = drop.bind(1, series).bind(2, time).run(); !done) return done;
  }
  rt::Statement& note =
      db_.prepare("INSERT OR REPLACE INTO press_floor (series_id, from_ns) VALUES (?1, ?2)");
  return note.bind(1, series).bind(2, time).run();
}

Status PressTable::note_late(SeriesId series, std::int64_t floor) {
  for (const std::string_view before : kBefore) {
    rt::Statement& note = db_.prepare(
        std::string("UPDATE press SET problem = ?3").append(before).append(" AND problem != ?3"));
    note.bind(1, series).bind(2, floor).bind_text(3, kPressLate);
    if (auto done = note.run(); !done) return done;
  }
  return rt::ok();
}

Result<std::vector<Press>> PressTable::without_effect(std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT series_id, time_ns, boot, action, by, arrived_ns, problem, NULL FROM press"
      " WHERE problem != '' ORDER BY arrived_ns DESC, series_id, time_ns LIMIT ?1");
  stmt.bind(1, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<std::vector<SeriesId>> PressTable::overdue() {
  // Many may wait, of few boots: each boot is looked at once.
  rt::Statement& stmt = db_.prepare(
      "WITH RECURSIVE waiting (boot) AS ("
      "SELECT (SELECT boot FROM press WHERE problem = ?1 AND length(boot) > 0"
      " ORDER BY boot LIMIT 1) UNION ALL "
      "SELECT (SELECT p.boot FROM press AS p WHERE p.problem = ?1 AND length(p.boot) > 0"
      " AND p.boot > waiting.boot ORDER BY p.boot LIMIT 1) FROM waiting WHERE boot IS NOT NULL)"
      " SELECT DISTINCT series_id FROM waiting CROSS JOIN boot_clock AS b ON b.boot = waiting.boot"
      " CROSS JOIN press AS p ON p.problem = ?1 AND length(p.boot) > 0 AND p.boot = waiting.boot"
      " WHERE good_ns IS NOT NULL AND stamped_ns IS NOT NULL");
  stmt.bind_text(1, kPressWaits);
  return rt::read_rows(stmt, [](const rt::Statement& row) { return row.i64(0); });
}

}  // namespace fieldpost::coordinator
