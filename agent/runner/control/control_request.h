#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

enum class ControlVerb : std::uint8_t {
  kHello,
  kStart,
  kCancel,
  kWatch,
  kFacts,
  kLog,
  kArtifact,
  kFetched,
  kForget,
};

/// A line of the control socket; see control_server.h. Only what the verb needs is filled in.
struct ControlRequest {
  ControlVerb verb = ControlVerb::kHello;
  std::string job;
  std::string spec;  ///< as JSON
  std::string name;
  std::string why;
  std::uint64_t fence = 0;
  std::uint64_t from = 0;
  std::uint64_t most = 0;
  std::uint64_t log = 0;
};

/// kInvalid names the key and what was expected.
rt::Result<ControlRequest> parse_control_request(std::string_view line);

/// As answers call it: "busy".
[[nodiscard]] std::string_view name_of(rt::Errc code);

}  // namespace fieldpost::agent::runner
