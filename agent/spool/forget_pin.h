#pragma once

#include <string>

#include "proto/rt/result.h"
#include "proto/wire/ids.h"

namespace fieldpost::agent {

/// The coordinator's store that the spool at `path` is pinned to; zero: none yet. kIo: there is no
/// such spool, or it cannot be read.
rt::Result<wire::Id128> load_pinned_store(const std::string& path, const std::string& vfs);
/// Forgets it, durably, so that the next coordinator seen is pinned. Nobody else has the spool
/// open.
rt::Status forget_pin(const std::string& path, const std::string& vfs);

}  // namespace fieldpost::agent
