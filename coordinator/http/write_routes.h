#pragma once

#include "coordinator/http/router.h"
#include "coordinator/http/services.h"

namespace fieldpost::coordinator {

inline constexpr int kWritesMax = 64;  ///< being parsed or stored; more are answered 503

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
  int under_way_ = 0;
};

}  // namespace fieldpost::coordinator
