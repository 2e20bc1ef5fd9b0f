#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "agent/sources/body_writer.h"
#include "agent/sources/line_pump.h"
#include "agent/sources/source.h"
#include "proto/rt/http.h"
#include "proto/wire/blob_http.h"

namespace fieldpost::agent {

/// The agent's HTTP door for bodies: each whole in one request, answered when it is on disk.
class HttpBlobs final : public Source {
 public:
  static constexpr std::size_t kBodyBytesMax = 64 << 20;  ///< of all requests at once; more: 503

  HttpBlobs(LinePorts ports, BodyWriter& writer, std::string node)
      : ports_(ports), writer_(writer), node_(std::move(node)) {
    health_.name = "http_blobs";
  }
  [[nodiscard]] static bool is_for(const rt::HttpRequest& request) {
    return request.target.path == wire::kBlobsPath;
  }
  void handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder);
  [[nodiscard]] SourceHealth health() const override { return health_; }

 private:
  struct Write {
    wire::BlobWrite blob;
    wire::BodyReference reference;
    rt::UnixTime time;
    std::shared_ptr<rt::HttpResponder> responder;
    std::size_t bytes = 0;
  };
  using WritePtr = std::shared_ptr<Write>;

  void on_hashed(const WritePtr& write);
  void on_stored(const WritePtr& write, const rt::Status& status);
  void refuse(const Write& write, const rt::Error& error);

  LinePorts ports_;
  BodyWriter& writer_;
  std::string node_;
  SourceHealth health_;
  std::size_t bytes_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent
