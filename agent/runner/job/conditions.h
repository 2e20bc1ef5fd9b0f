#pragma once

#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// What an expression can see.
struct ExpressionContext {
  std::string json = "{}";  ///< an object: env, secrets, steps, job and what came with the spec
  bool failed = false;      ///< something before it failed
  bool cancelled = false;
};

/// The expressions of a job.
class Conditions {
 public:
  virtual ~Conditions() = default;
  /// `text` with or without ${{ }}. kInvalid: it is no expression, with the place.
  [[nodiscard]] virtual rt::Result<bool> is_true(std::string_view text,
                                                 const ExpressionContext& context) const = 0;
  /// `text` with the value of each ${{ }} in its place.
  [[nodiscard]] virtual rt::Result<std::string> interpolate(
      std::string_view text, const ExpressionContext& context) const = 0;
};

/// Whether a step, or an artifact, with this `if` is to be done. Without a word on how things stand
/// (success(), failure(), cancelled(), always()) it also wants that nothing failed.
rt::Result<bool> is_wanted(const Conditions& conditions, std::string_view condition,
                           const ExpressionContext& context);

}  // namespace fieldpost::agent::runner
