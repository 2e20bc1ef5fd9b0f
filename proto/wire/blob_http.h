#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/rt/http.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/body.h"
#include "proto/wire/readings.h"

/// `POST /api/v1/blobs`, which the agent and the coordinator take alike: a body over HTTP, whole or
/// in pieces.
namespace fieldpost::wire {

inline constexpr std::string_view kBlobsPath = "/api/v1/blobs";
inline constexpr std::string_view kBlobField = "frame";  ///< unless the request says

struct BlobWrite {
  SeriesKey series;                  ///< of strings
  std::optional<rt::UnixTime> time;  ///< none: stamped on arrival
  std::string type, name;
  std::string node;                  ///< empty: not said
  std::string idempotency_key;       ///< empty: none
  std::string body;                  ///< what this request brings
  std::optional<Sha256Digest> hash;  ///< of the whole, when the request says
  std::optional<std::uint64_t> size;
  std::uint64_t offset = 0;  ///< of `body` in the whole
  /// It is one of several.
  [[nodiscard]] bool is_piece() const { return size.has_value(); }
};

/// Takes body and parameters: `measurement`, `field`, `tag.K`, `time` (RFC 3339 or ns), `node`,
/// `name` (or the field X-Filename), `sha256`, `size` and `offset`; and the field Idempotency-Key.
/// kInvalid names the first
/// parameter that is wrong, or that nobody asked for.
rt::Result<BlobWrite> read_blob_write(rt::HttpRequest request);

/// {"sha256", "size", "type", "name", "node", "measurement", "tags", "field", "time"}.
[[nodiscard]] std::string blob_json(const BodyReference& reference, const SeriesKey& series,
                                    std::string_view node, rt::UnixTime time);
/// {"sha256", "size", "received"}: so many bytes are here, the next piece begins there.
[[nodiscard]] std::string blob_piece_json(const Sha256Digest& hash, std::uint64_t size,
                                          std::uint64_t received);

/// The answer for what could not be taken: 400, 413, 503 with Retry-After, 507, 500.
[[nodiscard]] rt::HttpResponse refuse_blob(const rt::Error& error);

}  // namespace fieldpost::wire
