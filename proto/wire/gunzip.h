#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::wire {

/// Unpacks gzip (or zlib) data of any number of members. kFull when it would be larger than
/// `bytes_max`, kInvalid when it is damaged or cut short.
[[nodiscard]] rt::Result<std::string> gunzip(std::string_view packed, std::size_t bytes_max);

}  // namespace fieldpost::wire
