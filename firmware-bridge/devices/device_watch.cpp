#include "firmware-bridge/devices/device_watch.h"

#include <utility>

#include "firmware-bridge/devices/reading_keys.h"

namespace fieldpost::bridge {
namespace {

/// A board that came to itself is not judged by what was before.
bool is_turn(Verdict before, Verdict found) {
  if (before == Verdict::kNoFrames) {
    return found != Verdict::kNoFrames && found != Verdict::kSilent;
  }
  return before == Verdict::kSilent &&
         (found == Verdict::kNoReadings || found == Verdict::kNoFrames);
}

}  // namespace

DeviceWatch::DeviceWatch(DevicePorts ports, const DeviceConfig& config,
                         std::unique_ptr<Protocol> protocol)
    : ports_(ports),
      config_(config),
      protocol_(std::move(protocol)),
      record_(config.silent_after),
      port_(config.address.text()) {
  judge_timer_ = ports_.loop.after(kJudgeEvery, [this] { judge_and_rearm(); });
  metrics_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { offer_metrics_and_rearm(); });
}

DeviceWatch::~DeviceWatch() {
  ports_.loop.cancel(judge_timer_);
  ports_.loop.cancel(metrics_timer_);
}

void DeviceWatch::on_opened(std::string port) {
  port_ = std::move(port);
  port_error_.reset();
  protocol_->restart();
  record_.meet_anew();
  begin_window();
  judge();
}

void DeviceWatch::on_closed(rt::Error why) {
  port_ = config_.address.text();
  port_error_ = std::move(why);
  judged_since_.reset();
  judge();
}

void DeviceWatch::on_suspended() {
  is_suspended_ = true;
  judged_since_.reset();
  judge();
}

void DeviceWatch::on_resumed() {
  is_suspended_ = false;
  port_error_.reset();
  record_.forget_boots();
  judge();
}

Heard DeviceWatch::hear(std::string_view bytes) {
  Heard heard;
  protocol_->feed(bytes, ports_.clock.now().ns, heard);
  take(heard);
  return heard;
}

Heard DeviceWatch::hear_message(std::string_view bytes) {
  Heard heard;
  protocol_->take_message(bytes, ports_.clock.now().ns, heard);
  take(heard);
  return heard;
}

void DeviceWatch::take(Heard& heard) {
  unfit_ += complete_keys(config_, heard.readings);
  record_.take(heard, protocol_->counts(), ports_.loop.now(), ports_.clock.now());
  if (!heard.hello && heard.readings.empty()) return;
  // A copy: it may set another one.
  if (const OnHeard on_heard = on_heard_) on_heard(heard);
}

void DeviceWatch::judge_and_rearm() {
  judge_timer_ = ports_.loop.after(kJudgeEvery, [this] { judge_and_rearm(); });
  record_.mark(ports_.loop.now());
  judge();
}

void DeviceWatch::begin_window() {
  judged_since_ = ports_.loop.now();
  record_.restart(*judged_since_);
}

void DeviceWatch::judge() {
  Diagnosis found = diagnose(evidence());
  if (judged_since_ && is_turn(diagnosis_.newest(), found.verdict)) {
    begin_window();
    found = diagnose(evidence());
  }
  if (!diagnosis_.take(std::move(found), ports_.loop.now())) return;
  tell_verdict();
  offer_metrics();
}

/// One that came back after nothing could be said is no news.
void DeviceWatch::tell_verdict() {
  const Diagnosis& standing = diagnosis_.standing();
  const Verdict verdict = standing.verdict;
  if (verdict == Verdict::kWaiting || verdict == Verdict::kSuspended) return;
  if (std::exchange(logged_, verdict) == verdict) return;
  const auto level = verdict == Verdict::kGood ? rt::LogLevel::kInfo : rt::LogLevel::kWarning;
  ports_.log.write(level, "device " + config_.name + " at " + port_ + ": " + standing.text);
}

void DeviceWatch::offer_metrics_and_rearm() {
  metrics_timer_ = ports_.loop.after(kMetricsEvery, [this] { offer_metrics_and_rearm(); });
  offer_metrics();
}

void DeviceWatch::offer_metrics() {
  ports_.sink.offer(metrics_of(state()), {});
}

Evidence DeviceWatch::evidence() const {
  const rt::Instant now = ports_.loop.now();
  Evidence out;
  out.address = config_.address;
  out.baud = config_.serial.baud;
  out.protocol = config_.protocol.kind;
  out.window = config_.silent_after;
  out.is_suspended = is_suspended_;
  out.port_error = port_error_;
  if (judged_since_) out.open_for = now - *judged_since_;
  record_.tell(now, ports_.clock.synchronised(), out);
  out.before = diagnosis_.newest();
  return out;
}

DeviceState DeviceWatch::state() const {
  return {.name = config_.name,
          .port = port_,
          .counts = record_.total().counts,
          .readings = record_.total().readings,
          .unfit = unfit_,
          .lost = record_.lost(),
          .boots = record_.boots(),
          .hello = record_.hello(),
          .diagnosis = diagnosis_.standing()};
}

}  // namespace fieldpost::bridge
