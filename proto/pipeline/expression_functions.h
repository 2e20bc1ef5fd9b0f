#pragma once

#include <string>
#include <vector>

#include "proto/pipeline/expression_tree.h"

namespace fieldpost::pipeline {

/// Calls `function` with as many arguments as it takes; fails as Expression::evaluate does.
rt::Result<Json> call_function(Function function, const std::vector<const Json*>& arguments,
                               const Functions& functions);

}  // namespace fieldpost::pipeline
