#pragma once

#include <string>

#include "coordinator/pipelines/pipeline.h"

namespace fieldpost::coordinator {

/// What the names of a used pipeline's steps become in the job that uses it.
struct Renames {
  std::string inputs;       ///< "calls.c3", in place of `inputs`
  std::string step_prefix;  ///< "c3_", before the id of each step
};

/// In all texts of a step that was checked.
void rename(Step& step, const Renames& renames);
[[nodiscard]] std::string renamed_text(const std::string& text, const Renames& renames);

/// Holds when both hold; as `if` of a step, so an empty one is success().
[[nodiscard]] std::string both_conditions(const std::string& outer, const std::string& inner);
/// Of texts that are true, false, empty or one `${{ }}`.
[[nodiscard]] std::string either_flag(const std::string& a, const std::string& b);

}  // namespace fieldpost::coordinator
