#include "agent/builds/job_progress.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace fieldpost::agent {

using nlohmann::json;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::string_view kPrefix = "build ";

std::string key_of(const wire::JobId& job) {
  return std::string(kPrefix) + job.hex();
}

std::optional<std::uint64_t> number_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

bool flag_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

Result<std::vector<wire::JobId>> load_jobs(Spool& spool) {
  std::vector<wire::JobId> jobs;
  rt::Statement& keys = spool.database().prepare("SELECT key FROM fact WHERE key LIKE 'build %'");
  for (;;) {
    const auto row = keys.step();
    if (!row) return row.error();
    if (!*row) return jobs;
    const std::string key(keys.text(0));
    const auto job = wire::JobId::from_hex(std::string_view(key).substr(kPrefix.size()));
    if (job) jobs.push_back(*job);
  }
}

Result<std::optional<JobProgress>> load(Spool& spool, const wire::JobId& job) {
  const auto text = spool.fact(key_of(job));
  if (!text) return text.error();
  return decode_job_progress(*text);
}

}  // namespace

std::string encode(const JobProgress& progress) {
  return json{{"fence", progress.fence},
              {"next_fact", progress.next_fact},
              {"log_offset", progress.log_offset},
              {"ended", progress.is_ended},
              {"lost", progress.is_lost}}
      .dump();
}

std::optional<JobProgress> decode_job_progress(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto fence = number_in(object, "fence");
  const auto next = number_in(object, "next_fact");
  const auto offset = number_in(object, "log_offset");
  if (!fence || !next || !offset || *next > std::numeric_limits<std::uint32_t>::max()) {
    return std::nullopt;
  }
  return JobProgress{*fence, static_cast<std::uint32_t>(*next), *offset, flag_in(object, "ended"),
                     flag_in(object, "lost")};
}

Result<std::map<wire::JobId, JobProgress>> load_job_progress(Spool& spool) {
  const auto jobs = load_jobs(spool);
  if (!jobs) return jobs.error();
  std::map<wire::JobId, JobProgress> all;
  for (const wire::JobId& job : *jobs) {
    const auto progress = load(spool, job);
    if (!progress) return progress.error();
    if (*progress) all.emplace(job, **progress);
  }
  return all;
}

Status store_job_progress(Spool& spool, const wire::JobId& job, const JobProgress& progress) {
  return spool.set_fact(key_of(job), encode(progress));
}

Status note_job(Spool& spool, const wire::JobAttempt& attempt) {
  const auto known = load(spool, attempt.job);
  if (!known) return known.error();
  if (*known && (*known)->fence >= attempt.fence) return ok();
  JobProgress progress;
  progress.fence = attempt.fence;
  return store_job_progress(spool, attempt.job, progress);
}

Status forget_job(Spool& spool, const wire::JobAttempt& attempt) {
  const auto known = load(spool, attempt.job);
  if (!known) return known.error();
  if (*known && (*known)->fence > attempt.fence) return ok();
  return spool.remove_fact(key_of(attempt.job));
}

}  // namespace fieldpost::agent
