#include "coordinator/store/press_table.h"

#include <fmt/format.h>

#include <array>

#include "coordinator/store/batch_table.h"
#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
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
  rt::Statement& count = db_.prepare("SELECT count(*) FROM press WHERE series_id = ?1");
  const auto all = rt::read_number(count.bind(1, press.series));
  if (!all) return all.error();
  if (static_cast<std::size_t>(*all) >= kPressesOfSeriesMax) {
    return Error{Errc::kFull, fmt::format("a button has at most {} presses", kPressesOfSeriesMax)};
  }
  const std::string boot = boot_bytes(press.boot);
  rt::Statement& stmt = db_.prepare(
      "INSERT OR REPLACE INTO press (series_id, time_ns, boot, action, by, arrived_ns, problem)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  stmt.bind(1, press.series).bind(2, press.time).bind_blob(3, boot);
  stmt.bind(4, static_cast<std::int64_t>(press.action)).bind_text(5, press.by);
  return stmt.bind(6, press.arrived).bind_text(7, press.problem).run();
}

Status PressTable::set_problem(const Press& press, const std::string& problem) {
  if (press.problem == problem) return rt::ok();
  const std::string boot = boot_bytes(press.boot);
  rt::Statement& stmt = db_.prepare(
      "UPDATE press SET problem = ?4 WHERE series_id = ?1 AND boot = ?2 AND time_ns = ?3");
  stmt.bind(1, press.series).bind_blob(2, boot).bind(3, press.time).bind_text(4, problem);
  return stmt.run();
}

Result<std::vector<Press>> PressTable::since(SeriesId series, std::int64_t from) {
  rt::Statement& stmt = db_.prepare(
      "SELECT series_id, time_ns, p.boot, action, by, arrived_ns, problem,"
      " CASE WHEN length(p.boot) = 0 THEN time_ns ELSE time_ns + (good_ns - stamped_ns) END AS at"
      " FROM press AS p LEFT JOIN boot_clock AS b ON b.boot = p.boot"
      " WHERE series_id = ?1 AND (at IS NULL OR at >= ?2) ORDER BY at IS NULL, at, time_ns");
  stmt.bind(1, series).bind(2, from);
  return rt::read_rows(stmt, read);
}

Result<std::vector<Press>> PressTable::without_effect(std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT series_id, time_ns, boot, action, by, arrived_ns, problem, NULL FROM press"
      " WHERE problem != '' ORDER BY arrived_ns DESC, series_id, time_ns LIMIT ?1");
  stmt.bind(1, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<std::vector<SeriesId>> PressTable::overdue() {
  rt::Statement& stmt = db_.prepare(
      "SELECT DISTINCT series_id FROM press AS p JOIN boot_clock AS b ON b.boot = p.boot"
      " WHERE problem != '' AND problem = ?1 AND good_ns IS NOT NULL AND stamped_ns IS NOT NULL");
  stmt.bind_text(1, kPressWaits);
  return rt::read_rows(stmt, [](const rt::Statement& row) { return row.i64(0); });
}

}  // namespace fieldpost::coordinator
