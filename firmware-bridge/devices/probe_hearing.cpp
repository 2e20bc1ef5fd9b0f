#include "firmware-bridge/devices/probe_hearing.h"

#include <utility>

namespace fieldpost::bridge {

void ProbeHearing::feed(std::string_view bytes, rt::Instant now, rt::UnixTime wall) {
  Heard heard;
  protocol_->feed(bytes, wall.ns, heard);
  record_.take(heard, protocol_->counts(), now, wall);
  for (Measured& each : heard.readings) note(std::move(each));
}

void ProbeHearing::note(Measured reading) {
  reading.key.type = reading.value.type;
  std::string text = reading.key.text();
  auto at = places_.find(text);
  if (at == places_.end()) {
    if (series_.size() == kProbeSeriesMax) {
      readings_untold_ += 1;
      return;
    }
    at = places_.emplace(std::move(text), series_.size()).first;
    series_.push_back({std::move(reading.key), {}, 0});
  }
  ProbedSeries& series = series_[at->second];
  series.last = std::move(reading.value);
  series.count += 1;
}

bool ProbeHearing::fits() const {
  const ProtocolCounts& counts = record_.total().counts;
  return counts.good > 0 && counts.good >= counts.bad + counts.bad_checksum;
}

}  // namespace fieldpost::bridge
