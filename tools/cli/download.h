#pragma once

#include <cstdint>
#include <string>

#include "proto/rt/result.h"
#include "tools/cli/context.h"

namespace fieldpost::cli {

/// Fetches what is at a path of the server into a file; "-": standard output. The file has its name
/// only when it is whole. What came is kept beside it as `FILE.<tag>.part`: where the connection
/// breaks off it is asked for the rest, a few times, and so does whoever asks again later while it
/// has the same tag. A file of that name stays as it is until then. kUnavailable: it broke off too
/// often; kBusy: the server was so too long.
rt::Status download(Context& context, const std::string& path, const std::string& file);

}  // namespace fieldpost::cli
