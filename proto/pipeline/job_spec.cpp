#include "proto/pipeline/job_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/strict_object.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::pipeline {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kJobDigits = 32;
constexpr std::array kModes = {BuildMode::kUpdate, BuildMode::kStrict, BuildMode::kForce};

bool is_job(std::string_view text) {
  return text.size() == kJobDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void put_text(OrderedJson& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

template <typename T>
void put(OrderedJson& out, const char* name, const T& value, const T& otherwise) {
  if (value != otherwise) out[name] = value;
}

OrderedJson json_of(const StepSpec& step) {
  OrderedJson out = OrderedJson::object();
  put_text(out, "id", step.id);
  put_text(out, "name", step.name);
  put_text(out, "if", step.condition);
  out["run"] = step.run;
  put(out, "env", step.env, {});
  put_text(out, "working_directory", step.working_directory);
  put(out, "continue_on_error", step.continue_on_error, false);
  put(out, "timeout_s", step.timeout_s, 0u);
  return out;
}

OrderedJson json_of(const ArtifactSpec& artifact) {
  OrderedJson out = {{"name", artifact.name}, {"paths", artifact.paths}};
  put_text(out, "if", artifact.condition);
  return out;
}

OrderedJson json_of(const CacheSpec& cache) {
  OrderedJson out = {{"key", cache.key}, {"paths", cache.paths}};
  put(out, "restore_keys", cache.restore_keys, {});
  return out;
}

template <typename T>
void put_list(OrderedJson& out, const char* name, const std::vector<T>& values) {
  for (const T& each : values) out[name].push_back(json_of(each));
}

void put_limits(OrderedJson& out, const JobSpec& spec) {
  put(out, "timeout_s", spec.timeout_s, 0u);
  put(out, "silence_timeout_s", spec.silence_timeout_s, 0u);
  put(out, "memory_max", spec.memory_max, std::uint64_t{0});
  put(out, "pids_max", spec.pids_max, 0u);
  put(out, "cpu_percent", spec.cpu_percent, 0u);
  put(out, "network", spec.network, true);
}

/// Getters of what is absent are right; a list without anything in it is not.
std::vector<std::string> required_texts(StrictObject& in, const char* name) {
  auto texts = in.texts(name);
  if (texts.empty()) in.complain(name, "expected at least one");
  return texts;
}

StepSpec read_step(StrictObject& in) {
  StepSpec step;
  step.id = in.text("id", kNameBytesMax);
  step.name = in.text("name", kTextBytesMax);
  step.condition = in.text("if", kTextBytesMax);
  step.run = in.required_text("run", kRunBytesMax);
  step.env = in.text_map("env");
  step.working_directory = in.text("working_directory", kTextBytesMax);
  step.continue_on_error = in.flag("continue_on_error", false);
  step.timeout_s = static_cast<std::uint32_t>(in.number("timeout_s", kSecondsMax));
  in.finish();
  return step;
}

ArtifactSpec read_artifact(StrictObject& in) {
  ArtifactSpec artifact;
  artifact.name = in.required_text("name", kNameBytesMax);
  artifact.paths = required_texts(in, "paths");
  artifact.condition = in.text("if", kTextBytesMax);
  in.finish();
  return artifact;
}

CacheSpec read_cache(StrictObject& in) {
  CacheSpec cache;
  cache.key = in.required_text("key", kTextBytesMax);
  cache.paths = required_texts(in, "paths");
  cache.restore_keys = in.texts("restore_keys");
  in.finish();
  return cache;
}

SourceSpec read_source(StrictObject& in) {
  SourceSpec source;
  source.repository = in.required_text("repository", kTextBytesMax);
  source.commit = in.required_text("commit", kNameBytesMax);
  source.ref = in.text("ref", kTextBytesMax);
  in.finish();
  return source;
}

void read_lists(StrictObject& in, JobSpec& spec) {
  for (StrictObject& each : in.objects("steps", kStepsMax)) spec.steps.push_back(read_step(each));
  if (spec.steps.empty()) in.complain("steps", "expected at least one");
  for (StrictObject& each : in.objects("artifacts", kEntriesMax)) {
    spec.artifacts.push_back(read_artifact(each));
  }
  for (StrictObject& each : in.objects("cache", kEntriesMax)) {
    spec.cache.push_back(read_cache(each));
  }
  for (StrictObject& each : in.object("source")) spec.source = read_source(each);
}

void read_limits(StrictObject& in, JobSpec& spec) {
  const auto small = [&](const char* name, std::uint32_t most) {
    return static_cast<std::uint32_t>(in.number(name, most));
  };
  spec.timeout_s = small("timeout_s", kSecondsMax);
  spec.silence_timeout_s = small("silence_timeout_s", kSecondsMax);
  spec.memory_max = in.number("memory_max", INT64_MAX);
  spec.pids_max = small("pids_max", kPidsMax);
  spec.cpu_percent = small("cpu_percent", kCpuPercentMax);
  spec.network = in.flag("network", true);
}

JobSpec read_spec(StrictObject& in) {
  JobSpec spec;
  spec.job = in.required_text("job", kJobDigits);
  if (!is_job(spec.job)) in.complain("job", "expected 32 hex digits in lower case");
  spec.fence = in.number("fence", UINT64_MAX);
  spec.build = in.number("build", UINT64_MAX);
  spec.pipeline = in.required_text("pipeline", kNameBytesMax);
  spec.name = in.required_text("name", kTextBytesMax);
  spec.env = in.text_map("env");
  spec.secrets = in.text_map("secrets");
  spec.context = in.object_text("context");
  read_lists(in, spec);
  read_limits(in, spec);
  const std::string mode = in.text("mode", kNameBytesMax);
  const auto parsed = parse_build_mode(mode);
  if (!mode.empty() && !parsed) in.complain("mode", "expected update, strict or force");
  spec.mode = parsed.value_or(BuildMode::kUpdate);
  spec.outputs = in.text_map("outputs");
  spec.continue_on_error = in.flag("continue_on_error", false);
  in.finish();
  return spec;
}

}  // namespace

std::string_view to_string(BuildMode mode) {
  switch (mode) {
    case BuildMode::kUpdate: return "update";
    case BuildMode::kStrict: return "strict";
    case BuildMode::kForce: return "force";
  }
  FP_CHECK(false);
}

std::optional<BuildMode> parse_build_mode(std::string_view name) {
  const auto found =
      std::ranges::find_if(kModes, [&](BuildMode each) { return to_string(each) == name; });
  return found == kModes.end() ? std::nullopt : std::optional(*found);
}

rt::Result<std::string> encode(const JobSpec& spec) {
  OrderedJson out = {{"job", spec.job},
                     {"fence", spec.fence},
                     {"build", spec.build},
                     {"pipeline", spec.pipeline},
                     {"name", spec.name}};
  if (spec.source) {
    out["source"] = {{"repository", spec.source->repository}, {"commit", spec.source->commit}};
    put_text(out["source"], "ref", spec.source->ref);
  }
  put(out, "env", spec.env, {});
  put(out, "secrets", spec.secrets, {});
  out["context"] = OrderedJson::parse(spec.context, nullptr, false);
  FP_CHECK(out["context"].is_object());
  put_list(out, "steps", spec.steps);
  put_limits(out, spec);
  out["mode"] = to_string(spec.mode);
  put(out, "outputs", spec.outputs, {});
  put_list(out, "artifacts", spec.artifacts);
  put_list(out, "cache", spec.cache);
  put(out, "continue_on_error", spec.continue_on_error, false);
  std::string text = out.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  if (text.size() <= kJobSpecBytesMax) return text;
  return rt::Error{rt::Errc::kFull, fmt::format("job {}: {} bytes with its context, expected at "
                                                "most {}",
                                                spec.name, text.size(), kJobSpecBytesMax)};
}

rt::Result<JobSpec> decode_job_spec(std::string_view json) {
  if (json.size() > kJobSpecBytesMax || rt::nests_too_deep(json)) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("a job's spec: expected at most {} bytes, and {} levels",
                                 kJobSpecBytesMax, rt::kJsonDepthMax)};
  }
  const Json document = Json::parse(json, nullptr, false);
  if (!document.is_object()) {
    return rt::Error{rt::Errc::kInvalid, "a job's spec: expected a JSON object"};
  }
  std::string problem;
  StrictObject in(document, "", problem);
  JobSpec spec = read_spec(in);
  if (!problem.empty()) return rt::Error{rt::Errc::kInvalid, "a job's spec: " + problem};
  return spec;
}

}  // namespace fieldpost::pipeline
