#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/mapping/json_mapping.h"
#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::mapping {

enum class RuleFormat : std::uint8_t {
  kNumber,
  kJson,
  kSparkplug,
  kLineProtocol,
  // Of requests of compiled-in devices. Their topic is the target, "/door/front?battery=2.9".
  kRequestJson,
  kRequestForm,   ///< the payload is a form
  kRequestQuery,  ///< the parameters of the target are
};
[[nodiscard]] bool is_request(RuleFormat format);

/// How messages of one source become readings.
struct MappingRules {
  RuleFormat format = RuleFormat::kNumber;
  /// "site/{room}/{field}": levels named `{measurement}` and `{field}` take precedence over what
  /// follows, other names are tags. Empty: messages are blocks of lines (kJson, kLineProtocol).
  /// Of requests a path, "/door/{door}/event", without wildcards but names.
  std::string topic;
  std::string measurement = "mqtt";  ///< not of kLineProtocol
  std::string field = "value";       ///< kNumber only
  std::string unit;                  ///< kNumber only
  JsonMapping json;                  ///< kJson and requests; its measurement is the one above
  wire::Precision precision = wire::Precision::kNs;  ///< kLineProtocol only
};

/// Of requests: segments that are text or {a tag}. kInvalid: it is none.
[[nodiscard]] rt::Status check_path(std::string_view path);
/// kInvalid: the first thing wrong with them.
[[nodiscard]] rt::Status check_rules(const MappingRules& rules);

inline constexpr std::size_t kRulesBytesMax = 64 * 1024;  ///< they go along as a reading

/// JSON with the keys of a [[source]] or, of requests, those of an [[http_route]]; only what the
/// format uses. Equal rules have equal text.
[[nodiscard]] std::string encode_rules(const MappingRules& rules);
/// kInvalid: too long, not JSON, an unknown key, a value of the wrong sort, or as check_rules says.
/// Keys that are missing have the defaults of agent.toml.
rt::Result<MappingRules> parse_rules(std::string_view text);

/// 16 hex digits that stand for the text.
[[nodiscard]] std::string rules_id(std::string_view text);

}  // namespace fieldpost::mapping
