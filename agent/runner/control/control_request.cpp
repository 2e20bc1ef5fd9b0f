#include "agent/runner/control/control_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/runner/job/job.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::agent::runner {

using nlohmann::json;

namespace {

/// Which keys a verb wants.
struct VerbKeys {
  std::string_view name;
  ControlVerb verb;
  bool job = false;
  bool fence = false;
  bool from = false;
  bool most = false;
  bool name_of_artifact = false;
};
constexpr VerbKeys kVerbs[] = {{"hello", ControlVerb::kHello},
                               {"start", ControlVerb::kStart},
                               {"cancel", ControlVerb::kCancel, true, true},
                               {"watch", ControlVerb::kWatch},
                               {"facts", ControlVerb::kFacts, true, false, true},
                               {"log", ControlVerb::kLog, true, false, true, true},
                               {"artifact", ControlVerb::kArtifact, true, false, true, true, true},
                               {"fetched", ControlVerb::kFetched, true},
                               {"forget", ControlVerb::kForget, true}};

rt::Error invalid(std::string message) {
  return {rt::Errc::kInvalid, std::move(message)};
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::uint64_t> number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

rt::Status read_numbers(const json& object, const VerbKeys& keys, ControlRequest& request) {
  const struct {
    bool wanted;
    const char* key;
    std::uint64_t& value;
  } numbers[] = {{keys.fence, "fence", request.fence},
                 {keys.from, "from", request.from},
                 {keys.most, "most", request.most},
                 {keys.verb == ControlVerb::kFetched, "log", request.log}};
  for (const auto& each : numbers) {
    if (!each.wanted) continue;
    const auto value = number_of(object, each.key);
    if (!value) return invalid(fmt::format("{}: expected a whole number from 0 on", each.key));
    each.value = *value;
  }
  return rt::ok();
}

}  // namespace

rt::Result<ControlRequest> parse_control_request(std::string_view line) {
  if (rt::nests_too_deep(line)) return invalid("the line nests too deep");
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return invalid("expected a JSON object in a line");
  const std::string word = text_of(object, "do");
  const auto* keys = std::ranges::find(kVerbs, std::string_view(word), &VerbKeys::name);
  if (keys == std::end(kVerbs)) {
    return invalid(
        "do: expected hello, start, cancel, watch, facts, log, artifact, fetched or forget");
  }
  ControlRequest request;
  request.verb = keys->verb;
  request.job = text_of(object, "job");
  if (keys->job && !is_job_id(request.job)) return invalid("job: expected 32 hex digits");
  request.name = text_of(object, "name");
  if (keys->name_of_artifact && request.name.empty()) return invalid("name: expected a text");
  request.why = text_of(object, "why");
  if (auto done = read_numbers(object, *keys, request); !done) return done.error();
  if (keys->verb != ControlVerb::kStart) return request;
  const auto spec = object.find("spec");
  if (spec == object.end() || !spec->is_object()) return invalid("spec: expected an object");
  request.spec = spec->dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

std::string_view name_of(rt::Errc code) {
  switch (code) {
    case rt::Errc::kBusy: return "busy";
    case rt::Errc::kUnavailable: return "unavailable";
    case rt::Errc::kInvalid: return "invalid";
    case rt::Errc::kNotFound: return "not_found";
    case rt::Errc::kDenied: return "denied";
    case rt::Errc::kFull: return "full";
    case rt::Errc::kCorrupt: return "corrupt";
    case rt::Errc::kIo: return "io";
  }
  return "io";
}

}  // namespace fieldpost::agent::runner
