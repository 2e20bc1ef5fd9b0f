#pragma once

#include <memory>

#include "coordinator/http/device_routes.h"
#include "coordinator/http/blob_uploads.h"
#include "coordinator/http/live_routes.h"
#include "coordinator/http/replay_routes.h"
#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "coordinator/http/write_routes.h"

namespace fieldpost::coordinator {

/// Everything that the coordinator answers over HTTP. Give `handle` to a server.
class Api {
 public:
  explicit Api(Services services);
  void handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder);
  [[nodiscard]] const Router& router() const { return router_; }

 private:
  Services services_;
  Router router_;
  LiveRoutes live_;
  WriteRoutes writes_;
  ReplayRoutes replays_;
  DeviceRoutes devices_;
  BlobUploads blobs_;
};

}  // namespace fieldpost::coordinator
