#include "agent/runner/journal/facts.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proto/rt/json_depth.h"

namespace fieldpost::agent::runner {

using nlohmann::json;
using nlohmann::ordered_json;

namespace {

ordered_json begin(std::uint64_t n, const char* fact) {
  ordered_json line;
  line["n"] = n;
  line["type"] = fact;
  return line;
}

/// Names and outputs of steps may be any bytes.
std::string text_of(const ordered_json& line) {
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

json parse(std::string_view line) {
  return rt::nests_too_deep(line) ? json() : json::parse(line, nullptr, false);
}

bool is_fact(const json& line, std::string_view name) {
  if (!line.is_object()) return false;
  const auto found = line.find("type");
  return found != line.end() && found->is_string() && found->get<std::string>() == name;
}

std::string text_at(const json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

std::string hex(const rt::BootId& boot) {
  std::string out;
  for (const std::uint8_t byte : boot) out += fmt::format("{:02x}", byte);
  return out;
}

std::string encode(std::uint64_t n, const StartedFact& fact) {
  ordered_json line = begin(n, "started");
  line["time_ns"] = fact.time.ns;
  line["boot_id"] = hex(fact.boot);
  line["sandbox"]["limits"] = fact.isolation.limits;
  line["sandbox"]["bubblewrap"] = fact.isolation.bubblewrap;
  return text_of(line);
}

std::string encode(std::uint64_t n, const StepStartedFact& fact) {
  ordered_json line = begin(n, "step_started");
  line["step"] = fact.step;
  line["name"] = fact.name;
  line["time_ns"] = fact.time.ns;
  return text_of(line);
}

std::string encode(std::uint64_t n, const StepEndedFact& fact) {
  ordered_json line = begin(n, "step_ended");
  line["step"] = fact.step;
  line["verdict"] = to_string(fact.verdict);
  line["exit_code"] = fact.exit_code;
  line["signal"] = fact.signal;
  line["seconds"] = fact.seconds;
  return text_of(line);
}

std::string encode(std::uint64_t n, const ArtifactFact& fact) {
  ordered_json line = begin(n, "artifact");
  line["name"] = fact.name;
  line["path"] = fact.path;
  line["size"] = fact.size;
  line["sha256"] = fact.sha256;
  return text_of(line);
}

std::string encode(std::uint64_t n, const EndedFact& fact) {
  ordered_json line = begin(n, "ended");
  line["verdict"] = to_string(fact.verdict);
  line["why"] = fact.why;
  line["outputs"] = ordered_json::object();
  for (const auto& [name, value] : fact.outputs) line["outputs"][name] = value;
  line["log_bytes"] = fact.log_bytes;
  line["time_ns"] = fact.time.ns;
  return text_of(line);
}

std::optional<std::uint64_t> ended_log_bytes(std::string_view text) {
  const json line = parse(text);
  if (!is_fact(line, "ended")) return std::nullopt;
  const auto bytes = line.find("log_bytes");
  if (bytes == line.end() || !bytes->is_number_unsigned()) return std::nullopt;
  return bytes->get<std::uint64_t>();
}

std::optional<ArtifactFact> decode_artifact(std::string_view text) {
  const json line = parse(text);
  if (!is_fact(line, "artifact")) return std::nullopt;
  ArtifactFact fact{text_at(line, "name"), text_at(line, "path"), 0, text_at(line, "sha256")};
  const auto size = line.find("size");
  if (size == line.end() || !size->is_number_unsigned()) return std::nullopt;
  fact.size = size->get<std::uint64_t>();
  return fact;
}

}  // namespace fieldpost::agent::runner
