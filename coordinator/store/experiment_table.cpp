#include "coordinator/store/experiment_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

std::string select(std::string_view rest) {
  constexpr std::string_view kSelect =
      "SELECT no, id, name, description, owner, state, config_name, config_version, nodes,"
      " created_ns, finished_ns, imported FROM experiment ";
  return std::string(kSelect).append(rest);
}

Experiment read(const rt::Statement& row) {
  Experiment out;
  out.no = row.i64(0);
  out.id = row.text(1);
  out.name = row.text(2);
  out.description = row.text(3);
  out.owner = row.text(4);
  out.state = static_cast<ExperimentState>(row.i64(5));
  if (!row.is_null(6)) out.config = ConfigRef{std::string(row.text(6)), row.i64(7)};
  out.nodes = decode_texts(row.text(8));
  out.created = row.i64(9);
  out.finished = rt::number_or_none(row, 10);
  out.imported = row.i64(11) != 0;
  return out;
}

Member read_member(const rt::Statement& row) {
  return {row.i64(0), std::string(row.text(1)), static_cast<MemberKind>(row.i64(2)),
          std::string(row.text(3)), std::string(row.text(4))};
}

void bind_common(rt::Statement& stmt, const Experiment& experiment) {
  stmt.bind_text(1, experiment.id).bind_text(2, experiment.name);
  stmt.bind_text(3, experiment.description).bind_text(4, experiment.owner);
  stmt.bind(5, static_cast<std::int64_t>(experiment.state));
  if (experiment.config) {
    stmt.bind_text(6, experiment.config->name).bind(7, experiment.config->version);
  }
  stmt.bind_text(8, encode_texts(experiment.nodes));
  if (experiment.finished) stmt.bind(9, *experiment.finished);
}

}  // namespace

std::string encode_texts(const std::vector<std::string>& texts) {
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> decode_texts(std::string_view json) {
  std::vector<std::string> out;
  for (const auto& each : nlohmann::json::parse(json, nullptr, false)) {
    if (each.is_string()) out.push_back(each.get<std::string>());
  }
  return out;
}

Result<std::vector<Experiment>> ExperimentTable::list(const ExperimentFilter& filter,
                                                      std::int64_t after, std::size_t limit) {
  rt::Statement& stmt =
      db_.prepare(select("WHERE no > ?1 AND (?2 = 0 OR state = ?2)"
                         " AND (?3 = '' OR owner = ?3) ORDER BY no LIMIT ?4"));
  stmt.bind(1, after).bind(2, filter.state ? static_cast<std::int64_t>(*filter.state) : 0);
  stmt.bind_text(3, filter.owner).bind(4, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, read);
}

Result<Experiment> ExperimentTable::find(const std::string& id_or_name) {
  rt::Statement& stmt =
      db_.prepare(select("WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC LIMIT 1"));
  stmt.bind_text(1, id_or_name);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound, fmt::format("no experiment \"{}\"", id_or_name)};
  }
  return std::move(found->front());
}

Result<Experiment> ExperimentTable::find(std::int64_t no) {
  rt::Statement& stmt = db_.prepare(select("WHERE no = ?1"));
  stmt.bind(1, no);
  auto found = rt::read_rows(stmt, read);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("no experiment {}", no)};
  return std::move(found->front());
}

Result<std::vector<Experiment>> ExperimentTable::recordable(std::int64_t time) {
  rt::Statement& stmt =
      db_.prepare(select("WHERE state NOT IN (?1, ?2) AND imported = 0"
                         " AND (finished_ns IS NULL OR finished_ns > ?3) ORDER BY no"));
  stmt.bind(1, static_cast<std::int64_t>(ExperimentState::kDraft));
  stmt.bind(2, static_cast<std::int64_t>(ExperimentState::kArchived)).bind(3, time);
  return rt::read_rows(stmt, read);
}

Result<bool> ExperimentTable::is_taken(const Experiment& experiment) {
  rt::Statement& stmt = db_.prepare(
      "SELECT count(*) FROM experiment WHERE no != ?1 AND (id IN (?2, ?3) OR name IN (?2, ?3))");
  stmt.bind(1, experiment.no).bind_text(2, experiment.id).bind_text(3, experiment.name);
  const auto found = rt::read_number(stmt);
  if (!found) return found.error();
  return *found > 0;
}

Result<Experiment> ExperimentTable::create(Experiment experiment) {
  const auto taken = is_taken(experiment);
  if (!taken) return taken.error();
  if (*taken) {
    return Error{Errc::kDenied, fmt::format("an experiment \"{}\" exists", experiment.name)};
  }
  const auto all = rt::read_number(db_.prepare("SELECT count(*) FROM experiment"));
  if (!all) return all.error();
  if (*all >= static_cast<std::int64_t>(kExperimentsMax)) {
    return Error{Errc::kFull, fmt::format("there are {} experiments already", *all)};
  }
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO experiment (id, name, description, owner, state, config_name, config_version,"
      " nodes, finished_ns, created_ns, imported)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  bind_common(stmt, experiment);
  stmt.bind(10, experiment.created).bind(11, experiment.imported ? 1 : 0);
  if (auto done = stmt.run(); !done) return done.error();
  experiment.no = db_.last_insert_rowid();
  return experiment;
}

Status ExperimentTable::update(const Experiment& experiment) {
  const auto taken = is_taken(experiment);
  if (!taken) return taken.error();
  if (*taken) {
    return Error{Errc::kDenied, fmt::format("another experiment is \"{}\"", experiment.name)};
  }
  rt::Statement& stmt = db_.prepare(
      "UPDATE experiment SET id = ?1, name = ?2, description = ?3, owner = ?4, state = ?5,"
      " config_name = ?6, config_version = ?7, nodes = ?8, finished_ns = ?9 WHERE no = ?10");
  bind_common(stmt, experiment);
  return stmt.bind(10, experiment.no).run();
}

Result<std::vector<Member>> ExperimentTable::members(std::int64_t experiment, MemberKind kind) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, kind, name, description FROM member WHERE experiment_no = ?1 AND kind = ?2"
      " ORDER BY position, no");
  stmt.bind(1, experiment).bind(2, static_cast<std::int64_t>(kind));
  return rt::read_rows(stmt, read_member);
}

Result<Member> ExperimentTable::find_member(std::int64_t experiment, MemberKind kind,
                                            const std::string& id_or_name) {
  rt::Statement& stmt = db_.prepare(
      "SELECT no, id, kind, name, description FROM member WHERE experiment_no = ?1 AND kind = ?2"
      " AND (id = ?3 OR name = ?3) ORDER BY id = ?3 DESC LIMIT 1");
  stmt.bind(1, experiment).bind(2, static_cast<std::int64_t>(kind)).bind_text(3, id_or_name);
  auto found = rt::read_rows(stmt, read_member);
  if (!found) return found.error();
  if (found->empty()) {
    return Error{Errc::kNotFound,
                 fmt::format("the experiment has no {} \"{}\"", to_string(kind), id_or_name)};
  }
  return std::move(found->front());
}

Result<Member> ExperimentTable::find_member(std::int64_t no) {
  rt::Statement& stmt =
      db_.prepare("SELECT no, id, kind, name, description FROM member WHERE no = ?1");
  auto found = rt::read_rows(stmt.bind(1, no), read_member);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::kNotFound, fmt::format("no member {}", no)};
  return std::move(found->front());
}

Result<bool> ExperimentTable::is_taken(std::int64_t experiment, const Member& member) {
  rt::Statement& stmt = db_.prepare(
      "SELECT count(*) FROM member WHERE no != ?1 AND (id = ?2 OR experiment_no = ?3"
      " AND kind = ?4 AND (name IN (?2, ?5) OR id = ?5))");
  stmt.bind(1, member.no).bind_text(2, member.id).bind(3, experiment);
  stmt.bind(4, static_cast<std::int64_t>(member.kind)).bind_text(5, member.name);
  const auto found = rt::read_number(stmt);
  if (!found) return found.error();
  return *found > 0;
}

Result<Member> ExperimentTable::add_member(std::int64_t experiment, Member member) {
  const auto taken = is_taken(experiment, member);
  if (!taken) return taken.error();
  if (*taken) {
    return Error{Errc::kDenied,
                 fmt::format("a {} \"{}\" exists", to_string(member.kind), member.name)};
  }
  rt::Statement& next = db_.prepare(
      "SELECT coalesce(max(position) + 1, 0) FROM member WHERE experiment_no = ?1 AND kind = ?2");
  next.bind(1, experiment).bind(2, static_cast<std::int64_t>(member.kind));
  const auto position = rt::read_number(next);
  if (!position) return position.error();
  if (*position >= static_cast<std::int64_t>(kMembersMax)) {
    return Error{Errc::kFull, fmt::format("an experiment has at most {} of them", kMembersMax)};
  }
  rt::Statement& stmt = db_.prepare(
      "INSERT INTO member (id, experiment_no, kind, position, name, description)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  stmt.bind_text(1, member.id).bind(2, experiment).bind(3, static_cast<std::int64_t>(member.kind));
  stmt.bind(4, *position).bind_text(5, member.name).bind_text(6, member.description);
  if (auto done = stmt.run(); !done) return done.error();
  member.no = db_.last_insert_rowid();
  return member;
}

Status ExperimentTable::update_member(std::int64_t experiment, const Member& member) {
  const auto taken = is_taken(experiment, member);
  if (!taken) return taken.error();
  if (*taken) {
    return Error{Errc::kDenied,
                 fmt::format("another {} is \"{}\"", to_string(member.kind), member.name)};
  }
  rt::Statement& stmt = db_.prepare("UPDATE member SET name = ?2, description = ?3 WHERE no = ?1");
  stmt.bind(1, member.no).bind_text(2, member.name).bind_text(3, member.description);
  return stmt.run();
}

Status ExperimentTable::remove_member(const Member& member) {
  rt::Statement& uses = db_.prepare(
      "SELECT (SELECT count(*) FROM recording WHERE ?1 IN (participant_no, task_no, operator_no))"
      " + (SELECT count(*) FROM progress_mark WHERE ?1 IN (participant_no, task_no))"
      " + (SELECT count(*) FROM log_entry WHERE participant_no = ?1)");
  uses.bind(1, member.no);
  const auto used = rt::read_number(uses);
  if (!used) return used.error();
  if (*used > 0) {
    return Error{Errc::kDenied,
                 fmt::format("{} \"{}\" stays: recordings, progress or the logbook name it",
                             to_string(member.kind), member.name)};
  }
  rt::Statement& stmt = db_.prepare("DELETE FROM member WHERE no = ?1");
  return stmt.bind(1, member.no).run();
}

}  // namespace fieldpost::coordinator
