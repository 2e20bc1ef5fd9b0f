#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/wire/body.h"

namespace fieldpost::coordinator {

/// A body that is complete, as it is served.
struct ServedBlob {
  wire::Sha256Digest hash;
  std::uint64_t size = 0;
  std::string type, name;
  std::optional<std::int64_t> time;  ///< ns, of the reading that told of it
};

using FindBlob = std::function<rt::Result<ServedBlob>(ReadingQuery&)>;

/// Answers with the bytes of what `find` finds, as `serve_bytes` does. The type is what somebody
/// who wrote it said: browsers are told to run nothing of it, and what they could run goes as text.
void serve_blob(Services& services, Call call, FindBlob find);

}  // namespace fieldpost::coordinator
