#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/job/job.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// What a step leaves in the files that it is given: $GITHUB_OUTPUT and $GITHUB_ENV hold
///
///   name=value
///   name<<DELIMITER
///   lines of the value
///   DELIMITER
///
/// and $GITHUB_PATH a directory a line.
inline constexpr std::size_t kStepWordsBytesMax = 1 << 20;  ///< of one such file
inline constexpr std::size_t kStepWordsMax = 1024;          ///< entries of one

/// In the file's order; a name may come twice, and the last one counts. kInvalid names the line.
rt::Result<Pairs> parse_step_values(std::string_view text);
rt::Result<std::vector<std::string>> parse_step_paths(std::string_view text);

/// The environment that no step may change for those after it.
[[nodiscard]] bool is_reserved_variable(std::string_view name);

/// Puts `value` in the place of what `name` had.
void set_pair(Pairs& pairs, const std::string& name, std::string value);

}  // namespace fieldpost::agent::runner
