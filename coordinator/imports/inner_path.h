#pragma once

#include <algorithm>
#include <string_view>

namespace fieldpost::coordinator {

/// Whether a path leads to something below a directory, by plain names only.
[[nodiscard]] inline bool is_inner_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    if (name.empty() || name == "." || name == "..") return false;
    at = end + 1;
  }
  return true;
}

}  // namespace fieldpost::coordinator
