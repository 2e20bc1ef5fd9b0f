#pragma once

#include <string>
#include <vector>

#include "coordinator/pipelines/plan.h"
#include "proto/pipeline/json.h"

namespace fieldpost::coordinator {

/// `inputs` of each scope of the pipeline, an array of objects; what has no value, or a wrong one,
/// is a problem. `context` is what the request knows, an object.
pipeline::Json plan_inputs(const FlatPipeline& pipeline, const PlanRequest& request,
                           const pipeline::Json& context, Problems& problems);

/// Evaluates texts that were allowed where only contexts are known; asking for the status there is
/// a mistake of the check. Failures are problems at `place`.
class PlanTexts {
 public:
  PlanTexts(const pipeline::Json& contexts, const Place& place, Problems& problems)
      : contexts_(contexts), place_(place), problems_(problems) {}

  std::string text(const std::string& text, const std::string& key) const;
  /// Of true, false, nothing or `${{ }}`.
  bool flag(const std::string& text, const std::string& key) const;
  /// A text that is one `${{ }}` may give a list.
  std::vector<std::string> texts(const std::vector<std::string>& all, const std::string& key) const;

 private:
  pipeline::Json value(const std::string& text, const std::string& key) const;
  const pipeline::Json& contexts_;
  const Place& place_;
  Problems& problems_;
};

}  // namespace fieldpost::coordinator
