#include "coordinator/http/live_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "coordinator/http/answers.h"
#include "coordinator/http/view_json.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::string_view kGreeting = "retry: 2000\n\n";

void append_reading(std::string& out, LiveReading reading, const Calibration& calibration,
                    TimeFormat times) {
  if (!calibration.is_none() && reading.type != wire::ValueType::kString) {
    reading.value =
        std::bit_cast<std::uint64_t>(calibration.apply(number_of(reading.value, reading.type)));
    reading.type = wire::ValueType::kF64;
  }
  fmt::format_to(std::back_inserter(out),
                 "event: reading\ndata: {{\"series\":{},\"time\":", reading.series);
  append_time(out, reading.time, times);
  out += ",\"value\":";
  append_value(out, reading.type, reading.value, reading.text);
  out += "}\n\n";
}

}  // namespace

void LiveStream::follow(CoordinatorView& view, const std::vector<SeriesId>& series) {
  stream_->send(std::string(kGreeting));
  LiveHandlers handlers;
  handlers.on_readings = [this](const auto& readings) { send_readings(readings); };
  handlers.on_gap = [this](const GapView& gap) { send_event("gap", to_json(gap, times_)); };
  handlers.on_node = [this](const NodeView& node) { send_event("node", to_json(node, times_)); };
  subscription_ = view.subscribe(series, std::move(handlers));
}

void LiveStream::send_readings(const std::vector<LiveReading>& readings) {
  std::string out;
  for (const LiveReading& reading : readings) {
    append_reading(out, reading, calibration_of(calibrations_, reading.series), times_);
    if (!expects_last_) continue;
    std::int64_t& newest = sent_.try_emplace(reading.series, reading.time).first->second;
    newest = std::max(newest, reading.time);
  }
  stream_->send(std::move(out));
}

void LiveStream::send_last(const std::vector<std::pair<SeriesInfo, Reading>>& last) {
  std::string out;
  for (const auto& [series, reading] : last) {
    const auto sent = sent_.find(series.id);
    if (sent != sent_.end() && sent->second >= reading.time) continue;
    append_reading(out, {series.id, series.key.type, reading.time, reading.value, reading.text},
                   calibration_of(calibrations_, series.id), times_);
  }
  stream_->send(std::move(out));
  expects_last_ = false;
  sent_.clear();
}

void LiveStream::send_event(std::string_view event, std::string_view data) {
  stream_->send(fmt::format("event: {}\ndata: {}\n\n", event, data));
}

}  // namespace fieldpost::coordinator
