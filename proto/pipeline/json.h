#pragma once

#include <nlohmann/json_fwd.hpp>

namespace fieldpost::pipeline {

/// Contexts of expressions, and what expressions make.
using Json = nlohmann::json;

}  // namespace fieldpost::pipeline
