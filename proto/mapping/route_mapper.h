#pragma once

#include <cstddef>
#include <string>

#include "proto/mapping/http_route.h"
#include "proto/mapping/mapper.h"
#include "proto/mapping/raw_keeper.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::mapping {

/// kFull: it could not be kept if it did not fit.
[[nodiscard]] rt::Error request_too_large();

/// Makes readings of the requests of one route, and of those that do not fit raw messages. One
/// thread at a time.
class RouteMapper {
 public:
  /// kInvalid as check_route says.
  static rt::Result<RouteMapper> make(const HttpRoute& route);

  struct Request {
    rt::HttpTarget target;
    std::string body;
    bool gzip = false;
  };
  struct Mapped {
    /// What is to be stored, all of it or nothing. `lines_stored` is 1, or 0 when the request does
    /// not fit: so it is known again by its idempotency key.
    wire::ParsedLines lines;
    std::size_t readings = 0;    ///< in there, without the raw message and the rules
    rt::Status fits = rt::ok();  ///< why not
    rt::UnixTime arrived;        ///< the time of what is stamped and of the raw message
    bool tells_rules = false;    ///< they are in there, beside a raw message
  };
  /// `tells_rules`: they are to go along with a raw message. kFull: too large to be kept, whether
  /// it fits or not; kInvalid: broken gzip.
  rt::Result<Mapped> map(Request request, rt::UnixTime now, bool tells_rules);

 private:
  RouteMapper(Mapper mapper, RawKeeper keeper, bool keeps_all);
  void keep(const Message& message, bool tells_rules, Mapped& mapped);

  Mapper mapper_;
  RawKeeper keeper_;
  bool keeps_all_;
};

}  // namespace fieldpost::mapping
