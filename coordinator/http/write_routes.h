#pragma once

#include <cstddef>
#include <memory>

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/wire/influx_http.h"

namespace fieldpost::coordinator {

/// Of bodies that are being parsed or stored, each as large as it may be once it is unpacked; more
/// are answered 503. Many small ones are fine: a site's devices may all write in the same moment.
inline constexpr std::size_t kWritesBytesMax = 64 * wire::kInfluxBodyBytesMax;

/// /write, /api/v2/write, /ping, /health, /query as InfluxDB has them. The readings belong to
/// `node=` (made if new), or to the node "http".
class WriteRoutes {
 public:
  explicit WriteRoutes(Services& services) : services_(services) {}
  void add_to(Router& router);

 private:
  struct Write;
  void write(Call call);
  void parse(std::shared_ptr<Write> write);
  void store(std::shared_ptr<Write> write);

  Services& services_;
  std::size_t bytes_under_way_ = 0;  ///< of bodies, unpacked at their largest
};

}  // namespace fieldpost::coordinator
