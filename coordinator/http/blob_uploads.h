#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/wire/blob_http.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kUploadsMax = 32;                     ///< under way at once; more: 503
inline constexpr std::uint64_t kUploadBytesMax = 32ull << 30;      ///< of files that are not whole
inline constexpr std::int64_t kUploadKeepNs = 86'400'000'000'000;  ///< since its last piece

/// POST /api/v1/blobs: bodies whole or in pieces. What came of one lies in a file of its own, so
/// that an upload goes on after either side was away; when it is whole and hashes to what was said
/// it becomes a body, together with the reading that tells of it. Loop thread; files on the parser.
class BlobUploads {
 public:
  explicit BlobUploads(Services& services) : services_(services) {}
  void add_to(Router& router);

 private:
  struct Upload {
    bool busy = false;   ///< a request is at work on it
    bool known = false;  ///< `received` and `hash` are those of the file
    std::uint64_t received = 0;
    wire::Sha256 hash;
    rt::Instant used;
  };
  struct Request;
  using RequestPtr = std::shared_ptr<Request>;

  void take(Call call);
  void begin(RequestPtr request);
  void write(RequestPtr request);
  void on_written(const RequestPtr& request, const rt::Status& status);
  void store(const RequestPtr& request, std::string path);
  void refuse(const RequestPtr& request, const rt::Error& error);
  void release(const RequestPtr& request);
  [[nodiscard]] bool make_place();
  [[nodiscard]] std::string path_of(const wire::Sha256Digest& hash) const;

  Services& services_;
  std::map<std::string, std::shared_ptr<Upload>> uploads_;  ///< by path
};

}  // namespace fieldpost::coordinator
