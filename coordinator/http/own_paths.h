#pragma once

#include <string>
#include <vector>

namespace fieldpost::coordinator {

/// What the coordinator answers itself, as openapi.json has it, and what it keeps for itself.
[[nodiscard]] std::vector<std::string> own_paths();

}  // namespace fieldpost::coordinator
