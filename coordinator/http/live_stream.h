#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coordinator/http/parameters.h"
#include "coordinator/http/views.h"
#include "coordinator/query/calibration.h"
#include "coordinator/query/reading_query.h"
#include "proto/rt/http.h"

namespace fieldpost::coordinator {

/// One client's stream of server-sent events.
class LiveStream {
 public:
  LiveStream(std::unique_ptr<rt::HttpStream> stream, TimeFormat times)
      : stream_(std::move(stream)), times_(times) {}

  /// Readings of these are calibrated; before follow.
  void calibrate_by(Calibrations calibrations) { calibrations_ = std::move(calibrations); }
  void follow(CoordinatorView& view, const std::vector<SeriesId>& series);
  void on_closed(std::function<void()> handler) { stream_->on_closed(std::move(handler)); }
  /// As they are stored. Forgets what was sent already: nothing older follows.
  void send_last(const std::vector<std::pair<SeriesInfo, Reading>>& last);
  void expect_last() { expects_last_ = true; }
  void beat() { stream_->send(": alive\n\n"); }

 private:
  void send_readings(const std::vector<LiveReading>& readings);
  void send_event(std::string_view event, std::string_view data);

  std::unique_ptr<rt::HttpStream> stream_;
  TimeFormat times_;
  Calibrations calibrations_;
  bool expects_last_ = false;
  std::unordered_map<SeriesId, std::int64_t> sent_;  ///< newest time, while expects_last_
  std::unique_ptr<LiveSubscription> subscription_;   ///< last: its handlers use the others
};

}  // namespace fieldpost::coordinator
