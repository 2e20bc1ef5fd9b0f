#include "firmware-bridge/devices/board_record.h"

namespace fieldpost::bridge {

void BoardRecord::take(const Heard& heard, const ProtocolCounts& counts, rt::Instant now,
                       rt::UnixTime wall) {
  total_.counts = counts;
  total_.readings += heard.readings.size();
  if (!heard.readings.empty()) total_.measured += 1;
  lost_ += heard.lost;
  if (heard.hello) {
    hello_ = heard.hello;
    is_known_ = true;
  }
  if (heard.booted) {
    boots_ += 1;
    recent_boots_.push_back({now, heard.hello ? heard.hello->boot : BootReason::kUnknown});
    if (recent_boots_.size() > kBootsKeptMax) recent_boots_.pop_front();
  }
  if (heard.clock) clock_ = Clock{now, rt::UnixTime{*heard.clock} - wall};
  if (!heard.why_bad.empty()) why_bad_ = heard.why_bad;
}

void BoardRecord::tell(rt::Instant now, bool clock_is_right, Evidence& evidence) const {
  evidence.lately = recent_.until(total_);
  evidence.is_known = is_known_;
  evidence.boots.clear();
  for (const Boot& boot : recent_boots_) {
    if (now - boot.at <= kBootWindow) evidence.boots.push_back(boot.reason);
  }
  evidence.clock_ahead.reset();
  if (clock_ && clock_is_right && now - clock_->at <= window_) {
    evidence.clock_ahead = clock_->ahead;
  }
  evidence.why_bad = why_bad_;
}

}  // namespace fieldpost::bridge
