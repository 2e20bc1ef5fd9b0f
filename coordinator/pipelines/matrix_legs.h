#pragma once

#include <vector>

#include "coordinator/pipelines/pipeline.h"

namespace fieldpost::coordinator {

/// The combinations of a matrix as GitHub makes them: `exclude` takes out, then each entry of
/// `include` goes into all combinations whose own values it leaves as they are, or is one of its
/// own. Names stand in the order of the file; a job without a matrix is one leg without values.
[[nodiscard]] std::vector<Matrix::Values> legs_of(const Matrix& matrix);
/// "test (linux, 3)": of values that are no lists or objects.
[[nodiscard]] std::string leg_name(const std::string& job, const Matrix::Values& leg);

}  // namespace fieldpost::coordinator
