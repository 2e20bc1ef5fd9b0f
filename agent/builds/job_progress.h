#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/spool/spool.h"
#include "proto/wire/build.h"

namespace fieldpost::agent {

/// How far the spool has a job's facts and log ([build-4]). Kept there as text, by job, until the
/// job is forgotten.
struct JobProgress {
  std::uint64_t fence = 0;
  std::uint32_t next_fact = 0;
  std::uint64_t log_offset = 0;
  bool is_ended = false;  ///< the fact `ended` is there, so no other follows
  bool is_lost = false;   ///< it is the node's own, for the runner lost the job: no log follows
  bool operator==(const JobProgress&) const = default;
};
[[nodiscard]] std::string encode(const JobProgress& progress);
/// nullopt: it is none.
[[nodiscard]] std::optional<JobProgress> decode_job_progress(std::string_view text);

/// Of all jobs; what is not understood is left out. kCorrupt: the file is damaged.
rt::Result<std::map<wire::JobId, JobProgress>> load_job_progress(Spool& spool);
/// Inside the caller's transaction.
rt::Status store_job_progress(Spool& spool, const wire::JobId& job, const JobProgress& progress);
/// That the runner has an attempt from now on; nothing when it, or a later one, is known.
rt::Status note_job(Spool& spool, const wire::JobAttempt& attempt);
/// Nothing when a later attempt is known.
rt::Status forget_job(Spool& spool, const wire::JobAttempt& attempt);

}  // namespace fieldpost::agent
