#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/mapping/http_route.h"
#include "proto/mapping/route_mapper.h"
#include "proto/rt/clock.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"
#include "proto/rt/worker.h"

namespace fieldpost::mapping {

/// Requests of all routes of a program that are being mapped or stored.
struct RouteLoad {
  static constexpr int kRequestsMax = 256;  ///< each up to kRawTextBytesMax; more: 503
  int under_way = 0;
};

struct RouteCounts {
  std::uint64_t readings = 0;  ///< made and stored
  std::uint64_t kept = 0;      ///< requests that do not fit
  std::uint64_t refused = 0;   ///< requests of which nothing is kept
  std::string last_error;      ///< of either; empty: none
};

/// Takes the requests of one route: mapped on a worker, stored, and answered when that is on disk.
/// What does not fit is stored as a raw message and answered 400. Loop thread.
class RouteDoor {
 public:
  using Stored = std::function<void(rt::Result<std::size_t>)>;
  /// Puts readings on disk and tells their `lines_stored`, or that of the first write with the same
  /// key. kFull and kBusy: nothing was kept. May be called back at once.
  using Store = std::function<void(const std::string& node, wire::ParsedLines lines,
                                   std::string idempotency_key, Stored stored)>;
  struct Ports {
    rt::Worker& worker;
    const rt::WallClock& clock;
    std::shared_ptr<RouteLoad> load;  ///< one for all routes of a program
    Store store;
  };

  /// kInvalid as check_route says.
  static rt::Result<std::unique_ptr<RouteDoor>> make(Ports ports, HttpRoute route);

  /// One whose method and path are the route's.
  void take(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder);
  [[nodiscard]] const HttpRoute& route() const { return route_; }
  [[nodiscard]] const RouteCounts& counts() const { return counts_; }

 private:
  struct Work;
  using WorkPtr = std::shared_ptr<Work>;

  RouteDoor(Ports ports, HttpRoute route, RouteMapper mapper);
  void run(const WorkPtr& work, rt::HttpRequest request);
  void on_mapped(const WorkPtr& work);
  void on_stored(Work& work, const rt::Result<std::size_t>& lines);
  void refuse(rt::HttpResponder& responder, rt::HttpResponse response, const std::string& why);
  [[nodiscard]] bool tells_rules(const Work& work) const;
  void note_told(const Work& work);

  Ports ports_;
  HttpRoute route_;
  std::shared_ptr<RouteMapper> mapper_;  ///< the worker's while jobs run
  RouteCounts counts_;
  std::map<std::string, rt::UnixTime> told_;  ///< the rules, by node; begins anew at its bound
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::mapping
