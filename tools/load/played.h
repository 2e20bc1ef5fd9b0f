#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fieldpost::load {

/// What became of a request.
enum class Outcome : std::uint8_t {
  kUnsent,      ///< it waited for the answers to its user's earlier ones until the end
  kUnanswered,  ///< nobody knows whether its samples are stored
  kAccepted,    ///< 204
  kRefused,     ///< 503 with Retry-After
  kFailed,      ///< any other answer
};

struct RequestLog {
  Outcome outcome = Outcome::kUnsent;
  float from_due_s = 0;   ///< to the answer, or to when it was given up
  float from_sent_s = 0;  ///< 0 when it was not sent
};

/// What was seen while a plan was played.
struct Played {
  std::int64_t began_wall_ns = 0;
  double took_s = 0;                          ///< from the first that was due to the last answer
  std::vector<RequestLog> requests;           ///< by number
  std::map<std::string, std::size_t> errors;  ///< how many of each kind; without refusals
};

}  // namespace fieldpost::load
