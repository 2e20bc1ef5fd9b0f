#pragma once

#include <string>

#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// The number of a user of this machine. kNotFound: there is none of that name.
rt::Result<unsigned> find_user(const std::string& name);

}  // namespace fieldpost::agent::runner
