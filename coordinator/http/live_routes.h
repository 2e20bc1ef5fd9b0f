#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <vector>

#include "coordinator/http/parameters.h"
#include "coordinator/http/router.h"
#include "coordinator/http/services.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kLiveStreamsMax = 256;  ///< more are answered 503
inline constexpr std::size_t kLiveSeriesMax = 1000;  ///< of one stream
inline constexpr rt::Seconds kHeartbeat{15};         ///< a comment on every stream

class LiveStream;

/// /api/v1/live: what happens, as server-sent events. A stream whose client does not keep up is
/// dropped by the server at its bound; browsers connect again by themselves.
class LiveRoutes {
 public:
  explicit LiveRoutes(Services& services);
  ~LiveRoutes();
  void add_to(Router& router);
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }

 private:
  void open(Call call);
  std::shared_ptr<LiveStream> begin(rt::HttpResponder& responder,
                                    const std::vector<SeriesId>& series, TimeFormat times);
  void send_last(const std::shared_ptr<LiveStream>& stream, const std::vector<SeriesId>& series);
  void beat();

  Services& services_;
  std::unordered_set<std::shared_ptr<LiveStream>> streams_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::coordinator
