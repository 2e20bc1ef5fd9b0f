#include "coordinator/store/sampling_table.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using nlohmann::json;
using rt::Result;
using rt::Status;

namespace {

/// A command's outcome as the node told it, or as the store knows that it never will.
void read_outcome(std::string_view outcome, ToldSampling& told) {
  const json document = json::parse(outcome, nullptr, false);
  const bool done = document.is_object() && document.contains("ok") && document["ok"] == true;
  told.state = done ? SamplingState::kConfirmed : SamplingState::kFailed;
  if (document.is_object() && document.contains("detail") && document["detail"].is_string()) {
    told.detail = document["detail"].get<std::string>();
  }
}

/// id, every_s, told_ns, outcome, whether of a process before, whether the spool has it.
ToldSampling read(const rt::Statement& row) {
  ToldSampling out;
  out.node = row.text(0);
  if (row.is_null(2)) return out;  // never told
  out.told = row.i64(2);
  out.is_known = !row.is_null(1) && row.i64(5) != 0;
  if (!row.is_null(1)) out.every_s = decode_intervals(row.text(1));
  out.is_of_process_before = row.i64(4) != 0;
  out.state = SamplingState::kWaiting;
  if (!row.is_null(3)) read_outcome(row.text(3), out);
  return out;
}

}  // namespace

std::string encode_intervals(const SamplingIntervals& intervals) {
  return json(intervals).dump(-1, ' ', false, json::error_handler_t::replace);
}

SamplingIntervals decode_intervals(std::string_view text) {
  SamplingIntervals out;
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return out;
  for (const auto& [measurement, seconds] : document.items()) {
    if (seconds.is_number()) out[measurement] = seconds.get<double>();
  }
  return out;
}

std::string_view to_string(SamplingState state) {
  switch (state) {
    case SamplingState::kWaiting: return "waiting";
    case SamplingState::kConfirmed: return "confirmed";
    case SamplingState::kFailed: return "failed";
  }
  return "";
}

Result<std::vector<ToldSampling>> SamplingTable::list(bool all) {
  rt::Statement& rows = db_.prepare(
      "SELECT n.id, s.every_s, s.told_ns, c.outcome, s.incarnation_no <> n.current_incarnation,"
      " told.left_behind = 0 AND told.spool = live.spool"
      " FROM node n LEFT JOIN sampling s ON s.node_no = n.no"
      " LEFT JOIN command c ON c.node_no = n.no AND c.id = s.command_id"
      " LEFT JOIN incarnation told ON told.no = s.incarnation_no"
      " LEFT JOIN incarnation live ON live.no = n.current_incarnation"
      " WHERE n.current_incarnation IS NOT NULL AND (?1 OR s.node_no IS NOT NULL) ORDER BY n.id");
  return rt::read_rows(rows.bind(1, all ? 1 : 0), read);
}

Status SamplingTable::note_told(const std::string& node, const SamplingIntervals& every_s,
                                std::uint64_t command, rt::UnixTime now) {
  rt::Statement& stmt = db_.prepare(
      "INSERT OR REPLACE INTO sampling (node_no, every_s, command_id, incarnation_no, told_ns)"
      " SELECT no, ?2, ?3, ifnull(current_incarnation, 0), ?4 FROM node WHERE id = ?1");
  stmt.bind_text(1, node).bind_text(2, encode_intervals(every_s)).bind(3, command);
  return stmt.bind(4, now.ns).run();
}

Status SamplingTable::note_mark(std::int64_t node_no, std::uint64_t mark) {
  rt::Statement& find = db_.prepare(
      "SELECT 1 FROM sampling s JOIN command c ON c.node_no = s.node_no AND c.id = s.command_id"
      " WHERE s.node_no = ?1 AND s.command_id > ?2 AND c.outcome IS NOT NULL"
      " AND instr(c.outcome, '\"ok\":null') = 0");
  const auto found = rt::read_number(find.bind(1, node_no).bind(2, mark));
  if (!found) return found.error();
  return *found == 0 ? rt::ok() : note_unknown(node_no);
}

Status SamplingTable::note_unknown(std::int64_t node_no) {
  rt::Statement& stmt = db_.prepare(
      "INSERT OR REPLACE INTO sampling (node_no, every_s, command_id, incarnation_no, told_ns)"
      " VALUES (?1, NULL, 0, 0, 0)");
  return stmt.bind(1, node_no).run();
}

}  // namespace fieldpost::coordinator
