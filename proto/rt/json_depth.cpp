#include "proto/rt/json_depth.h"

#include <cstddef>

namespace fieldpost::rt {

bool nests_too_deep(std::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') ++i;  // whatever is escaped ends nothing
    if (in_string) continue;
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kJsonDepthMax) return true;
  }
  return false;
}

}  // namespace fieldpost::rt
