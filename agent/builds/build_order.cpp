#include "agent/builds/build_order.h"

#include <nlohmann/json.hpp>
#include <string>

#include "proto/rt/json_depth.h"

namespace fieldpost::agent {

using nlohmann::json;
using rt::Errc;

std::optional<wire::JobAttempt> parse_attempt(std::string_view arguments) {
  if (rt::nests_too_deep(arguments)) return std::nullopt;
  const json order = json::parse(arguments, nullptr, false);
  if (!order.is_object()) return std::nullopt;
  const auto id = order.find("job"), fence = order.find("fence");
  if (id == order.end() || !id->is_string()) return std::nullopt;
  if (fence == order.end() || !fence->is_number_unsigned()) return std::nullopt;
  const auto job = wire::JobId::from_hex(id->get_ref<const std::string&>());
  if (!job || job->is_zero() || *fence == 0) return std::nullopt;
  return wire::JobAttempt{*job, fence->get<std::uint64_t>()};
}

bool is_runner_away(Errc code) {
  return code == Errc::kUnavailable || code == Errc::kBusy || code == Errc::kCorrupt;
}

}  // namespace fieldpost::agent
