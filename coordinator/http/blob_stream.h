#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/wire/body.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kBlobPieceBytes = 1 << 20;  ///< in memory at once, of one answer

/// A body that is complete, as it is served.
struct ServedBlob {
  wire::Sha256Digest hash;
  std::uint64_t size = 0;
  std::string type, name;
  std::optional<std::int64_t> time;  ///< ns, of the reading that told of it
};

using FindBlob = std::function<rt::Result<ServedBlob>(ReadingQuery&)>;

/// Answers with the bytes of what `find` finds, read piece by piece as the client takes them.
/// Knows ETag and If-None-Match (304), Range of one range (206, 416), HEAD. The type is what
/// somebody who wrote it said: browsers are told to run nothing of it, and what they could run goes
/// as text.
void serve_blob(Services& services, Call call, FindBlob find);

}  // namespace fieldpost::coordinator
