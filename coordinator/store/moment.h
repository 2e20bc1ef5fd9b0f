#pragma once

#include "proto/rt/time.h"

namespace fieldpost::coordinator {

struct Moment {
  rt::UnixTime now;
  bool synchronised = true;  ///< whether the clock that says so is
};

}  // namespace fieldpost::coordinator
