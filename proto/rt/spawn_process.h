#pragma once

#include <sys/types.h>

#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"
#include "proto/rt/spawner.h"

namespace fieldpost::rt {

struct SpawnedProcess {
  pid_t pid = 0;  ///< also its process group
  FileDescriptor out;
  FileDescriptor err;
};

/// kNotFound: no such program or directory; kDenied: not executable; kInvalid: no argv.
Result<SpawnedProcess> spawn_process(const SpawnOptions& options);

}  // namespace fieldpost::rt
