#pragma once

#include <cstddef>
#include <memory>
#include <unordered_set>
#include <vector>

#include "coordinator/http/calibrated_answer.h"
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
  struct Question {
    std::vector<SeriesId> series;
    bool last = false;
    TimeFormat times = TimeFormat::kRfc3339;
  };
  void open(Call call);
  void look_up(Question question, Calibrating by, std::shared_ptr<rt::HttpResponder> responder);
  void begin(rt::HttpResponder& responder, const Question& question, Calibrations calibrations);
  void send_last(const std::shared_ptr<LiveStream>& stream, const std::vector<SeriesId>& series);
  void beat();

  Services& services_;
  std::unordered_set<std::shared_ptr<LiveStream>> streams_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::coordinator
