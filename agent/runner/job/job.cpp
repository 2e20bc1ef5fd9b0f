#include "agent/runner/job/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "agent/runner/job/job_fields.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kJobIdSize = 32;
constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kScriptBytesMax = 256 * 1024;
constexpr std::size_t kVariablesMax = 256;
constexpr std::size_t kOutputsMax = 256;
constexpr std::size_t kPathsMax = 64;
constexpr std::uint64_t kMemoryLeast = 16 << 20;
constexpr std::uint64_t kPidsMost = 1 << 22;
constexpr std::uint64_t kCpuPercentMost = 100 * 1024;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_file_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

/// Relative, and nothing in it leads upwards.
bool is_inner_path(std::string_view path) {
  if (path.empty() || path.front() == '/') return false;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

rt::Seconds seconds_of(JobFields& fields, const char* key, rt::Seconds preset) {
  const auto most = static_cast<std::uint64_t>(kTimeoutMost.count());
  const auto count = fields.number(
      key, {.least = 0, .most = most, .preset = static_cast<std::uint64_t>(preset.count())});
  return rt::Seconds(static_cast<rt::Seconds::rep>(count));
}

Pairs read_variables(JobFields& fields) {
  Pairs env = fields.pairs("env", kVariablesMax);
  for (const auto& [name, value] : env) {
    if (!is_variable_name(name)) fields.fail("env", "names of [A-Za-z_][A-Za-z0-9_]*");
  }
  return env;
}

JobStep read_step(JobFields& fields) {
  JobStep step;
  step.id = fields.text("id", {.bytes_max = kNameBytesMax});
  step.name = fields.text("name", {.bytes_max = kNameBytesMax});
  step.condition = fields.text("if", {});
  step.run = fields.text("run", {.bytes_max = kScriptBytesMax, .required = true});
  step.env = read_variables(fields);
  step.working_directory = fields.text("working_directory", {});
  step.continue_on_error = fields.flag("continue_on_error");
  step.timeout = seconds_of(fields, "timeout_s", rt::Seconds{0});
  return step;
}

JobSource read_source(JobFields& fields) {
  JobSource source;
  source.repository = fields.text("repository", {});
  source.commit = fields.text("commit", {});
  source.ref = fields.text("ref", {});
  if (source.repository.empty()) return source;
  if (source.repository.front() == '-') fields.fail("repository", "a URL");
  const std::size_t size = source.commit.size();
  if ((size != 40 && size != 64) || !is_hex(source.commit)) {
    fields.fail("commit", "40 or 64 lower-case hex digits");
  }
  return source;
}

JobArtifact read_artifact(JobFields& fields, const std::vector<JobArtifact>& before) {
  JobArtifact artifact;
  artifact.name = fields.text("name", {.bytes_max = kNameBytesMax, .required = true});
  if (!is_file_name(artifact.name)) fields.fail("name", "a name of [A-Za-z0-9._-], no dot first");
  if (std::ranges::find(before, artifact.name, &JobArtifact::name) != before.end()) {
    fields.fail("name", "one that no other artifact has");
  }
  artifact.paths = fields.texts("paths", kPathsMax);
  if (artifact.paths.empty()) fields.fail("paths", "at least one");
  if (!std::ranges::all_of(artifact.paths, is_inner_path)) {
    fields.fail("paths", "patterns in the workspace: relative, without ..");
  }
  artifact.condition = fields.text("if", {});
  return artifact;
}

JobCache read_cache(JobFields& fields) {
  JobCache cache;
  cache.key = fields.text("key", {.required = true});
  cache.paths = fields.texts("paths", kPathsMax);
  if (cache.paths.empty()) fields.fail("paths", "at least one");
  for (std::string_view path : cache.paths) {
    if (path.starts_with("~/")) path.remove_prefix(2);
    if (!is_inner_path(path)) fields.fail("paths", "paths in the workspace, or ~/ and a path");
  }
  cache.restore_keys = fields.texts("restore_keys", kPathsMax);
  return cache;
}

JobLimits read_limits(JobFields& fields) {
  JobLimits limits;
  limits.memory_max = fields.number("memory_max", {.most = std::uint64_t{1} << 50U});
  if (limits.memory_max != 0 && limits.memory_max < kMemoryLeast) {
    fields.fail("memory_max", fmt::format("0, or at least {} bytes", kMemoryLeast));
  }
  limits.pids_max = fields.number("pids_max", {.most = kPidsMost});
  limits.cpu_percent = fields.number("cpu_percent", {.most = kCpuPercentMost});
  return limits;
}

void read_head(JobFields& fields, Job& job) {
  job.id = fields.text("job", {.required = true});
  if (!is_job_id(job.id)) fields.fail("job", "32 lower-case hex digits");
  job.fence = fields.number("fence", {.required = true});
  job.build = fields.text_or_number("build");
  job.pipeline = fields.text("pipeline", {});
  job.name = fields.text("name", {.bytes_max = kNameBytesMax});
  job.env = read_variables(fields);
  job.secrets = fields.pairs("secrets", kSecretsMax);
  for (const auto& [name, value] : job.secrets) {
    if (value.size() >= kSecretBytesMin) continue;
    fields.fail("secrets." + name, fmt::format("at least {} bytes", kSecretBytesMin));
  }
  job.context = fields.object_text("context");
  job.timeout = seconds_of(fields, "timeout_s", kTimeoutPreset);
  if (job.timeout == rt::Seconds{0}) job.timeout = kTimeoutPreset;
  job.silence_timeout = seconds_of(fields, "silence_timeout_s", rt::Seconds{0});
  job.limits = read_limits(fields);
  job.network = fields.flag("network");
  job.outputs = fields.pairs("outputs", kOutputsMax);
}

}  // namespace

bool is_job_id(std::string_view text) {
  return text.size() == kJobIdSize && is_hex(text);
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && (name[0] < '0' || name[0] > '9') &&
         std::ranges::all_of(name, is_word);
}

rt::Result<Job> parse_job(std::string_view json) {
  if (json.size() > kSpecBytesMax) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("job spec: it has more than {} bytes", kSpecBytesMax)};
  }
  auto fields = JobFields::parse(json);
  if (!fields) return fields.error();
  Job job;
  read_head(*fields, job);
  fields->each("source", 1, [&](JobFields& each) { job.source = read_source(each); });
  fields->each("steps", kStepsMax, [&](JobFields& each) { job.steps.push_back(read_step(each)); });
  if (job.steps.empty()) fields->fail("steps", "at least one");
  fields->each("artifacts", kArtifactsMax, [&](JobFields& each) {
    job.artifacts.push_back(read_artifact(each, job.artifacts));
  });
  fields->each("cache", kCachesMax,
               [&](JobFields& each) { job.caches.push_back(read_cache(each)); });
  if (fields->error()) return *fields->error();
  return job;
}

std::string without_secrets(std::string_view json) {
  const auto fields = JobFields::parse(json);
  return fields ? fields->text_without("secrets") : std::string();
}

}  // namespace fieldpost::agent::runner
