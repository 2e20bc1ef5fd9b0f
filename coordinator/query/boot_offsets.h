#pragma once

#include <cstdint>
#include <unordered_map>

#include "proto/wire/ids.h"

namespace fieldpost::coordinator {

/// ns to add to the times that a boot stamped while its clock was not synchronised.
using BootOffsets = std::unordered_map<wire::Id128, std::int64_t>;

}  // namespace fieldpost::coordinator
