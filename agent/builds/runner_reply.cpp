#include "agent/builds/runner_reply.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/json_depth.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

// Facts are handed on as they came.
using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

struct CodeName {
  std::string_view name;
  Errc code;
};
constexpr CodeName kCodes[] = {{"busy", Errc::kBusy},
                               {"unavailable", Errc::kUnavailable},
                               {"not_found", Errc::kNotFound},
                               {"full", Errc::kFull},
                               {"io", Errc::kIo}};

Error not_understood(std::string_view expected) {
  return {Errc::kCorrupt,
          fmt::format("the runner's answer is not understood: expected {}", expected)};
}

std::optional<std::uint64_t> number_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::string text_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Error error_of(const Json& said) {
  const std::string code = text_in(said, "code");
  const auto* const known = std::ranges::find(kCodes, std::string_view(code), &CodeName::name);
  return {known == std::end(kCodes) ? Errc::kInvalid : known->code, text_in(said, "error")};
}

std::optional<RunnerJob> job_of(const Json& object) {
  if (!object.is_object()) return std::nullopt;
  const auto id = wire::JobId::from_hex(text_in(object, "job"));
  const auto fence = number_in(object, "fence"), facts = number_in(object, "facts");
  const auto log_bytes = number_in(object, "log_bytes");
  if (!id || id->is_zero() || !fence || *fence == 0 || !facts || !log_bytes) return std::nullopt;
  if (*facts > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return RunnerJob{{*id, *fence}, static_cast<std::uint32_t>(*facts), *log_bytes};
}

Status read_jobs(const Json& list, RunnerReply& reply) {
  if (!list.is_array() || list.size() > kRunnerJobsMax) {
    return not_understood(fmt::format("a list of at most {} jobs", kRunnerJobsMax));
  }
  reply.jobs.emplace();
  for (const Json& each : list) {
    const auto job = job_of(each);
    if (!job) return not_understood("of each job its id, fence, facts and log_bytes");
    reply.jobs->push_back(*job);
  }
  return ok();
}

Status read_facts(const Json& list, RunnerReply& reply) {
  if (!list.is_array()) return not_understood("a list of facts");
  for (const Json& each : list) {
    RunnerFact fact{each.is_object() ? text_in(each, "type") : "", each.dump()};
    if (fact.type.empty() || fact.text.size() > wire::kBuildFactBytesMax) {
      return not_understood(fmt::format("facts to be objects with a type, of at most {} bytes",
                                        wire::kBuildFactBytesMax));
    }
    reply.facts.push_back(std::move(fact));
  }
  return ok();
}

Status read_numbers(const Json& said, RunnerReply& reply) {
  if (said.contains("bytes")) {
    const auto size = number_in(said, "bytes");
    if (!size || *size > kRunnerBytesMax) {
      return not_understood(fmt::format("at most {} bytes at a time", kRunnerBytesMax));
    }
    reply.size = static_cast<std::size_t>(*size);
  }
  const std::uint64_t slots = number_in(said, "slots").value_or(0);
  reply.slots = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(slots, std::numeric_limits<std::uint32_t>::max()));
  return ok();
}

}  // namespace

Result<RunnerReply> parse_runner_reply(std::string_view line) {
  if (line.size() > kRunnerLineBytesMax) return not_understood("a shorter line");
  const Json said = rt::nests_too_deep(line) ? Json() : Json::parse(line, nullptr, false);
  if (!said.is_object()) return not_understood("a JSON object");
  if (said.contains("error")) return error_of(said);
  RunnerReply reply;
  if (auto done = read_numbers(said, reply); !done) return done.error();
  if (const auto jobs = said.find("jobs"); jobs != said.end()) {
    if (auto done = read_jobs(*jobs, reply); !done) return done.error();
  }
  if (const auto facts = said.find("facts"); facts != said.end()) {
    if (auto done = read_facts(*facts, reply); !done) return done.error();
  }
  return reply;
}

}  // namespace fieldpost::agent
