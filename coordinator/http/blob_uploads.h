#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "coordinator/http/upload_file.h"
#include "coordinator/http/upload_room.h"
#include "proto/rt/loop.h"
#include "proto/wire/blob_http.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kUploadsMax = 32;                  ///< under way at once; more: 503
inline constexpr rt::Nanos kUploadKeep = rt::Seconds{86'400};   ///< since its last piece
inline constexpr rt::Nanos kUploadsSweep = rt::Seconds{3'600};  ///< looked for what is older

/// POST /api/v1/blobs: bodies whole or in pieces. What came of one lies in a file of its own, so
/// that an upload goes on after either side was away; when it is whole and hashes to what was said
/// it becomes a body, together with the reading that tells of it. Loop thread; files on the worker
/// of bodies.
class BlobUploads {
 public:
  explicit BlobUploads(Services& services);
  ~BlobUploads();
  BlobUploads(const BlobUploads&) = delete;
  BlobUploads& operator=(const BlobUploads&) = delete;
  void add_to(Router& router);

 private:
  struct Upload {
    UploadFile file;    ///< the worker's while it is busy
    bool busy = false;  ///< a request is at work on it
    rt::Instant used;
  };
  using UploadPtr = std::shared_ptr<Upload>;
  struct Request;
  using RequestPtr = std::shared_ptr<Request>;

  void take(Call call);
  void begin(RequestPtr request);
  void write(const RequestPtr& request);
  void work(const RequestPtr& request);
  static rt::Result<bool> step(UploadRoom& room, rt::Files& files, const Request& request,
                               rt::UnixTime now);
  void on_written(const RequestPtr& request);
  void store(const RequestPtr& request, std::string path);
  void on_stored(const Request& request);
  void refuse(const RequestPtr& request, const rt::Error& error);
  void release(const Request& request);
  [[nodiscard]] UploadPtr find(const std::string& name, std::uint64_t size);
  [[nodiscard]] bool make_place();
  void sweep();

  Services& services_;
  std::shared_ptr<UploadRoom> room_;          ///< the worker's
  std::map<std::string, UploadPtr> uploads_;  ///< by the names of their files
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::coordinator
