#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/moment.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"
#include "proto/wire/ids.h"

namespace fieldpost::coordinator {

/// What nodes told of jobs that nobody knows is kept so long after the last of it.
inline constexpr std::int64_t kStrayKeptNs = 30ll * 86'400 * 1'000'000'000;

/// How long builds of a pipeline are kept. Of several rules the first that matches counts; builds
/// of pipelines that none matches are kept for ever.
struct BuildKeepRule {
  std::string pipeline = "*";   ///< as of `matches_pattern`
  std::int64_t count_max = 0;   ///< of those that ended, the newest; 0: any number
  std::int64_t age_max_ns = 0;  ///< since they ended; 0: any age
};
using BuildKeepRules = std::vector<BuildKeepRule>;

/// Removes builds that are too old or too many, with all that is known of their jobs, in steps that
/// each are a short transaction. What has not ended stays, so does what has a pinned artifact, and
/// the newest of a pipeline that passed: it is the current one. Store thread. A step that failed
/// has done nothing; the next one does it again.
class BuildPurge {
 public:
  explicit BuildPurge(rt::Database& db) : db_(db) {}

  struct Step {
    bool more = false;       ///< there is more to do at once
    std::int64_t build = 0;  ///< that was removed; 0: none
    std::int64_t rows = 0;   ///< of facts, logs and artifacts that went
  };
  /// Without `more` a whole pass is done, and the next step begins another.
  rt::Result<Step> step(const BuildKeepRules& rules, const Moment& now);

 private:
  rt::Result<Step> step_inside(const BuildKeepRules& rules, rt::UnixTime now);
  rt::Result<std::int64_t> let_go(const std::string& job);
  rt::Result<std::int64_t> find_due(const std::string& pipeline, const BuildKeepRule& rule,
                                    rt::UnixTime now);
  rt::Status remove(std::int64_t build);
  rt::Status find_strays(rt::UnixTime now);

  struct Place {
    std::string pipeline;  ///< all up to this one are done
    bool are_builds_done = false;
    std::string job;  ///< strays up to this one are done
    bool are_strays_done = false;
  };
  rt::Database& db_;
  Place place_;
};

}  // namespace fieldpost::coordinator
