#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/builds/build.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

struct BuildFilter {
  std::string pipeline;  ///< empty: any
  std::optional<BuildState> state;
  std::optional<BuildVerdict> verdict;
};

/// Builds; their jobs are in `BuildJobTable`. What changes runs inside the caller's transaction.
class BuildTable {
 public:
  explicit BuildTable(rt::Database& db) : db_(db) {}

  /// With its jobs, all or nothing. Its number and places are drawn here; ids, keys, states and
  /// times are the caller's. kInvalid: no job, a text that is too long, a key or an id that is
  /// there twice, a need that is no key; kFull: too many jobs or open builds.
  rt::Result<Build> create(Build build, std::vector<BuildJob> jobs);

  /// Newest first, numbers below `before` (0: from the newest on), without long texts.
  rt::Result<std::vector<Build>> list(const BuildFilter& filter, std::int64_t before,
                                      std::size_t limit);
  /// Those that have not ended, oldest first, numbers above `after`, without long texts.
  rt::Result<std::vector<Build>> open_ones(std::int64_t after, std::size_t limit);
  rt::Result<std::int64_t> count_open();
  /// kNotFound.
  rt::Result<Build> find(std::int64_t no);
  /// The newest of a pipeline, however it stands, without long texts.
  rt::Result<std::optional<Build>> latest(const std::string& pipeline);
  /// The newest of a pipeline that passed, without long texts.
  rt::Result<std::optional<Build>> current(const std::string& pipeline);
  /// Names, ordered, after this one.
  rt::Result<std::vector<std::string>> pipelines(const std::string& after, std::size_t limit);

  /// kDenied: it has ended already, or a job of it has not; kNotFound.
  rt::Status end(std::int64_t no, BuildVerdict verdict, rt::UnixTime now);

 private:
  rt::Result<std::int64_t> insert(const Build& build);
  rt::Result<std::optional<Build>> find_newest(const std::string& pipeline, bool only_passed);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator
