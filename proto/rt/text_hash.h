#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace fieldpost::rt {

/// For unordered containers of strings that are asked by views (with std::equal_to<>).
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace fieldpost::rt
