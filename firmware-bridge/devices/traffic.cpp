#include "firmware-bridge/devices/traffic.h"

namespace fieldpost::bridge {

Traffic operator-(const Traffic& later, const Traffic& earlier) {
  Traffic out = later;
  out.counts.bytes -= earlier.counts.bytes;
  out.counts.good -= earlier.counts.good;
  out.counts.bad_checksum -= earlier.counts.bad_checksum;
  out.counts.bad -= earlier.counts.bad;
  out.counts.other_version -= earlier.counts.other_version;
  out.counts.undeclared -= earlier.counts.undeclared;
  out.readings -= earlier.readings;
  out.measured -= earlier.measured;
  return out;
}

void RecentTraffic::restart(rt::Instant now, const Traffic& total) {
  marks_.clear();
  marks_.push_back({now, total});
}

void RecentTraffic::mark(rt::Instant now, const Traffic& total) {
  if (marks_.empty() || now - marks_.back().at >= window_ / kMarksPerWindow) {
    marks_.push_back({now, total});
  }
  // The first one is the last that lies before the window.
  while (marks_.size() > 1 && now - marks_[1].at >= window_) marks_.pop_front();
  if (marks_.size() > kMarksMax) marks_.pop_front();
}

Traffic RecentTraffic::until(const Traffic& total) const {
  return marks_.empty() ? total : total - marks_.front().total;
}

}  // namespace fieldpost::bridge
