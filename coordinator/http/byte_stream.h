#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kServedPieceBytes = 1 << 20;  ///< in memory at once, of one answer

/// Bytes that stay as they are while they have this tag, and how to get at them.
struct ServedBytes {
  std::string tag;  ///< the ETag, without its quotes
  std::uint64_t size = 0;
  rt::HttpHeaders headers;  ///< of the answer, beside those about tag and range

  using Done = std::function<void(rt::Result<std::string>)>;
  /// Reads so many bytes from an offset, all of which are there, and calls `done` on the loop.
  std::function<void(std::uint64_t offset, std::size_t bytes, Done done)> read;
};

/// Answers with the bytes, read piece by piece as the client takes them. Knows ETag and
/// If-None-Match (304), Range of one range (206, 416), If-Range, and HEAD, for which nothing is
/// read. What `read` fails with is the answer, or cuts it.
void serve_bytes(ServedBytes bytes, const rt::HttpRequest& request,
                 std::shared_ptr<rt::HttpResponder> responder);

}  // namespace fieldpost::coordinator
