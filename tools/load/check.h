#pragma once

#include <cstddef>
#include <string>

#include "tools/load/plan.h"
#include "tools/load/played.h"
#include "tools/load/stored.h"

namespace fieldpost::load {

/// Samples sent compared with readings stored.
struct Check {
  std::size_t accepted = 0;  ///< answered 204
  std::size_t missing = 0;   ///< of those, not stored
  std::size_t twice = 0;     ///< stored more than once, whatever was answered
  std::size_t strange = 0;   ///< stored, but never sent, or with another value
  std::size_t open = 0;      ///< stored without a 204, after an error or no answer: both are right

  [[nodiscard]] bool is_sound() const { return missing == 0 && twice == 0 && strange == 0; }
};

[[nodiscard]] Check compare(const Plan& plan, const Played& played, const Stored& stored);
/// One sentence.
[[nodiscard]] std::string describe(const Check& check);

}  // namespace fieldpost::load
