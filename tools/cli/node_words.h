#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace fieldpost::cli {

/// Whether an agent is behind it; else only writes over the coordinator's HTTP made it known.
bool has_agent(const nlohmann::ordered_json& node);

/// What of a node needs somebody's attention, worst first, one sentence each.
[[nodiscard]] std::vector<std::string> troubles_of(const nlohmann::ordered_json& node,
                                                   std::int64_t now);
[[nodiscard]] std::string nodes_text(const std::vector<nlohmann::ordered_json>& nodes,
                                     std::int64_t now);

/// "mem every 1 s, soil every 5 s" of seconds by measurement; empty: "as configured".
[[nodiscard]] std::string sampling_words(const nlohmann::ordered_json& every_s);

}  // namespace fieldpost::cli
