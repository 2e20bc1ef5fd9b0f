#pragma once

#include <memory>
#include <string>

#include "agent/runner/job/conditions.h"
#include "agent/runner/job/job.h"
#include "agent/runner/job/verdict.h"

namespace fieldpost::agent::runner {

/// What expressions of a job see, as it goes on: the context of its spec, `secrets`, and what its
/// steps left: steps.ID.outputs.NAME, steps.ID.outcome (before continue_on_error), .conclusion.
class JobContext {
 public:
  explicit JobContext(const Job& job);
  ~JobContext();
  JobContext(const JobContext&) = delete;
  JobContext& operator=(const JobContext&) = delete;

  void add_step(const std::string& id, Verdict outcome, bool forgiven, const Pairs& outputs);
  void skip_step(const std::string& id);
  /// `verdict`: how the job stands.
  [[nodiscard]] ExpressionContext expressions(Verdict verdict, const Pairs& env) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::agent::runner
