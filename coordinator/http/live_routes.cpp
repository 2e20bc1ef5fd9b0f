#include "coordinator/http/live_routes.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "coordinator/http/answers.h"
#include "coordinator/http/calibrated_answer.h"
#include "coordinator/http/live_stream.h"
#include "coordinator/http/readings_answer.h"
#include "proto/rt/http_text.h"

namespace fieldpost::coordinator {
namespace {

using LastReadings = std::vector<std::pair<SeriesInfo, Reading>>;

rt::Result<LastReadings> find_last(ReadingQuery& query, const std::vector<SeriesId>& series) {
  auto infos = find_series(query, series);
  if (!infos) return infos.error();
  auto readings = query.last(series);
  if (!readings) return readings.error();
  LastReadings last;
  for (auto& [id, reading] : *readings) {
    const auto info = std::find_if(infos->begin(), infos->end(),
                                   [&, wanted = id](const auto& i) { return i.id == wanted; });
    if (info != infos->end()) last.emplace_back(*info, std::move(reading));
  }
  return last;
}

}  // namespace

LiveRoutes::LiveRoutes(Services& services) : services_(services) {
  timer_ = services_.loop.after(kHeartbeat, [this] { beat(); });
}

LiveRoutes::~LiveRoutes() {
  services_.loop.cancel(timer_);
}

void LiveRoutes::add_to(Router& router) {
  router.add("GET", "/api/v1/live", [this](Call call) { open(std::move(call)); });
}

void LiveRoutes::open(Call call) {
  Parameters parameters(call.request.target);
  Question question;
  question.series = parameters.series(kLiveSeriesMax);
  question.last = parameters.flag("last");
  question.times = parameters.times();
  const CalibrationChoice choice = calibration_choice(parameters);
  if (refuse_bad(parameters, *call.responder)) return;
  find_calibrating(services_, choice, call.responder,
                   [this, question = std::move(question), responder = call.responder](
                       Calibrating by) mutable { look_up(std::move(question), by, responder); });
}

void LiveRoutes::look_up(Question question, Calibrating by,
                         std::shared_ptr<rt::HttpResponder> responder) {
  auto find = [ids = question.series](ReadingQuery& query) { return find_series(query, ids); };
  services_.desk.ask<std::vector<SeriesInfo>>(
      std::move(find),
      [this, question = std::move(question), by = std::move(by),
       responder = std::move(responder)](rt::Result<std::vector<SeriesInfo>> found) {
        if (!found) return responder->respond(error_response(found.error()));
        if (streams_.size() >= kLiveStreamsMax) {
          return responder->respond(error_response(
              {rt::Errc::kBusy, "as many live streams are open as may be; try again later"}));
        }
        begin(*responder, question, calibrate(*found, by));
      });
}

void LiveRoutes::begin(rt::HttpResponder& responder, const Question& question,
                       Calibrations calibrations) {
  auto stream = std::make_shared<LiveStream>(
      responder.start_stream(200, {{"Content-Type", "text/event-stream"},
                                   {"Cache-Control", "no-store"},
                                   {"X-Accel-Buffering", "no"}}),
      question.times);
  streams_.insert(stream);
  stream->on_closed([this, weak = std::weak_ptr(stream)] {
    if (const auto gone = weak.lock()) streams_.erase(gone);
  });
  stream->calibrate_by(std::move(calibrations));
  stream->follow(services_.view, question.series);
  if (question.last && !question.series.empty()) send_last(stream, question.series);
}

/// The stream follows already, so no reading falls between the last one and the next.
void LiveRoutes::send_last(const std::shared_ptr<LiveStream>& stream,
                           const std::vector<SeriesId>& series) {
  stream->expect_last();
  services_.desk.ask<LastReadings>(
      [series](ReadingQuery& query) { return find_last(query, series); },
      [weak = std::weak_ptr(stream)](const rt::Result<LastReadings>& last) {
        if (const auto open = weak.lock()) open->send_last(last.value_or(LastReadings{}));
      });
}

void LiveRoutes::beat() {
  const auto streams = streams_;
  for (const auto& stream : streams) stream->beat();
  timer_ = services_.loop.after(kHeartbeat, [this] { beat(); });
}

}  // namespace fieldpost::coordinator
