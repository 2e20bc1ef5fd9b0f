#pragma once

#include <string>
#include <string_view>

namespace fieldpost::wire {

inline constexpr std::string_view kAnyMediaType = "application/octet-stream";

/// By the end of a file's name, from a short table of what cameras and instruments write;
/// kAnyMediaType for any other.
[[nodiscard]] std::string media_type_of(std::string_view name);

/// Of a field `Content-Type`: without parameters, in lower case; kAnyMediaType when it is empty.
[[nodiscard]] std::string media_type_of_field(std::string_view field);

}  // namespace fieldpost::wire
