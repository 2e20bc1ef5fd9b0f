#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/experiments/study.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

struct ExperimentFilter {
  std::optional<ExperimentState> state;
  std::string owner;  ///< empty: any
};

/// Experiments and their members. What changes runs inside the caller's transaction.
class ExperimentTable {
 public:
  explicit ExperimentTable(rt::Database& db) : db_(db) {}

  /// Ordered by row, rows above `after`, at most `limit`.
  rt::Result<std::vector<Experiment>> list(const ExperimentFilter& filter, std::int64_t after,
                                           std::size_t limit);
  /// By id or name. kNotFound.
  rt::Result<Experiment> find(const std::string& id_or_name);
  rt::Result<Experiment> find(std::int64_t no);
  /// Those that a node's button may mean at a time: neither imported, drafts nor archived, and not
  /// finished before.
  rt::Result<std::vector<Experiment>> recordable(std::int64_t time);
  /// Draws nothing: id and times are the caller's. kDenied: id or name is taken; kFull.
  rt::Result<Experiment> create(Experiment experiment);
  /// Everything but `created` and `imported`. kDenied: the name is taken.
  rt::Status update(const Experiment& experiment);

  /// In their order.
  rt::Result<std::vector<Member>> members(std::int64_t experiment, MemberKind kind);
  /// By id or name. kNotFound names what is missing.
  rt::Result<Member> find_member(std::int64_t experiment, MemberKind kind,
                                 const std::string& id_or_name);
  rt::Result<Member> find_member(std::int64_t no);
  /// At the end. kDenied: id or name is taken; kFull.
  rt::Result<Member> add_member(std::int64_t experiment, Member member);
  /// Name and description. kDenied: the name is taken.
  rt::Status update_member(std::int64_t experiment, const Member& member);
  /// kDenied: a recording, a mark or an entry of the logbook is about it.
  rt::Status remove_member(const Member& member);

 private:
  rt::Result<bool> is_taken(const Experiment& experiment);
  rt::Result<bool> is_taken(std::int64_t experiment, const Member& member);
  rt::Database& db_;
};

/// Lists of texts as they lie in the tables.
[[nodiscard]] std::string encode_texts(const std::vector<std::string>& texts);
[[nodiscard]] std::vector<std::string> decode_texts(std::string_view json);

}  // namespace fieldpost::coordinator
