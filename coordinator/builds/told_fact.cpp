#include "coordinator/builds/told_fact.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "coordinator/experiments/json_fields.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kTypeBytesMax = 64;
constexpr std::int64_t kNumberMax = std::numeric_limits<std::int64_t>::max();

/// 0 when it is wrong.
std::int64_t number_in(JsonFields& fields, std::string_view name, std::int64_t most) {
  const auto found = fields.integer(name);
  if (found && *found >= 0 && *found <= most) return *found;
  fields.complain(name, fmt::format("expected an integer from 0 to {}", most));
  return 0;
}

ArtifactFact artifact_in(JsonFields& fields) {
  ArtifactFact out;
  out.name = fields.required_text("name", wire::kBodyNameBytesMax);
  out.path = fields.required_text("path", kArtifactPathBytesMax);
  out.size = static_cast<std::uint64_t>(
      number_in(fields, "size", static_cast<std::int64_t>(wire::kBodyBytesMax)));
  const auto hash = wire::Sha256Digest::from_hex(fields.required_text("sha256"));
  if (!hash) fields.complain("sha256", "expected 64 lower-case hex digits");
  out.sha256 = hash.value_or(wire::Sha256Digest{});
  return out;
}

EndedFact ended_in(JsonFields& fields) {
  EndedFact out;
  const auto verdict = parse_build_verdict(fields.required_text("verdict"));
  // That a node is lost is nothing that it says itself.
  if (!verdict || *verdict == BuildVerdict::kAgentLost) {
    fields.complain("verdict", "expected a verdict of a runner, such as passed or failed");
  }
  out.verdict = verdict.value_or(BuildVerdict::kFailed);
  out.why = fields.text("why");
  static_cast<void>(fields.text_map("outputs", kJobOutputsMax));
  if (fields.has("outputs")) out.outputs = fields.raw("outputs");
  out.log_bytes = static_cast<std::uint64_t>(number_in(fields, "log_bytes", kNumberMax));
  out.time = number_in(fields, "time_ns", kNumberMax);
  return out;
}

}  // namespace

Result<ToldFact> read_fact(std::string_view json) {
  JsonFields fields(json, "expected a JSON object");
  ToldFact out;
  out.type = fields.required_text("type", kTypeBytesMax);
  if (out.type == "started") out.content = StartedFact{number_in(fields, "time_ns", kNumberMax)};
  if (out.type == "artifact") out.content = artifact_in(fields);
  if (out.type == "ended") out.content = ended_in(fields);
  if (!fields.problem().empty()) {
    return Error{Errc::kInvalid, fmt::format("build fact: {}", fields.problem())};
  }
  return out;
}

}  // namespace fieldpost::coordinator
