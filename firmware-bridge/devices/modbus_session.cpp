#include "firmware-bridge/devices/modbus_session.h"

#include <algorithm>
#include <utility>

#include "firmware-bridge/devices/reading_keys.h"

namespace fieldpost::bridge {
namespace {

/// `is_reached`: the port opened, and the connection held.
Verdict verdict_of(rt::Errc code, bool is_reached) {
  switch (code) {
    case rt::Errc::kNotFound: return Verdict::kNotPluggedIn;
    case rt::Errc::kBusy: return Verdict::kBusy;
    case rt::Errc::kDenied: return Verdict::kDenied;
    case rt::Errc::kUnavailable: return is_reached ? Verdict::kSilent : Verdict::kUnreachable;
    case rt::Errc::kCorrupt: return Verdict::kBadChecksums;
    case rt::Errc::kInvalid: return Verdict::kNotUnderstood;
    case rt::Errc::kFull:
    case rt::Errc::kIo: return Verdict::kPortFailed;
  }
  return Verdict::kPortFailed;
}

}  // namespace

ModbusSession::ModbusSession(Ports ports, DeviceConfig config, std::unique_ptr<ModbusLink> link)
    : ports_(ports),
      config_(std::move(config)),
      link_(std::move(link)),
      measured_at_(ports_.loop.now()) {
  read_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { read(); });
  judge_timer_ = ports_.loop.after(kJudgeEvery, [this] { judge_and_rearm(); });
  metrics_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { offer_metrics_and_rearm(); });
}

ModbusSession::~ModbusSession() {
  for (const rt::TimerId timer : {read_timer_, judge_timer_, metrics_timer_}) {
    ports_.loop.cancel(timer);
  }
}

void ModbusSession::read() {
  begun_at_ = ports_.loop.now();
  others_before_ = link_->counts().others;
  link_->read_round(
      [this](rt::Result<std::vector<Measured>> round) { on_round(std::move(round)); });
}

void ModbusSession::on_round(rt::Result<std::vector<Measured>> round) {
  is_read_ = true;
  is_reached_ = link_->counts().others == others_before_;
  const rt::Nanos taken = ports_.loop.now() - begun_at_;
  rt::Nanos pause = std::max(config_.protocol.modbus_every - taken, rt::Nanos{0});
  if (round) {
    last_ = rt::ok();
    unfit_ += complete_keys(config_, *round);
    readings_ += round->size();
    if (!round->empty()) {
      measured_at_ = ports_.loop.now();
      ports_.sink.offer(*std::move(round), nullptr);
    }
  } else {
    last_ = round.error();
    pause = std::max(pause, kAfterFailure);
  }
  read_timer_ = ports_.loop.after(pause, [this] { read(); });
}

Diagnosis ModbusSession::diagnose_round() const {
  if (!is_read_) return {};
  if (!last_) return {verdict_of(last_.error().code, is_reached_), last_.error().message};
  // Single requests may fail beside others that do not.
  if (!link_->counts().why.empty()) return {Verdict::kNotUnderstood, link_->counts().why};
  const rt::Nanos silent = std::max(config_.silent_after, 3 * config_.protocol.modbus_every);
  if (ports_.loop.now() - measured_at_ > silent) {
    return {Verdict::kNoReadings,
            "it answers, but with no number: look at the format of its "
            "values"};
  }
  return {Verdict::kGood, "it answers"};
}

void ModbusSession::judge_and_rearm() {
  judge_timer_ = ports_.loop.after(kJudgeEvery, [this] { judge_and_rearm(); });
  judge();
}

void ModbusSession::judge() {
  if (!diagnosis_.take(diagnose_round(), ports_.loop.now())) return;
  tell_verdict();
  offer_metrics();
}

void ModbusSession::tell_verdict() {
  const Diagnosis& standing = diagnosis_.standing();
  if (std::exchange(logged_, standing.verdict) == standing.verdict) return;
  const auto level =
      standing.verdict == Verdict::kGood ? rt::LogLevel::kInfo : rt::LogLevel::kWarning;
  ports_.log.write(
      level, "device " + config_.name + " at " + config_.address.text() + ": " + standing.text);
}

void ModbusSession::offer_metrics_and_rearm() {
  metrics_timer_ = ports_.loop.after(kMetricsEvery, [this] { offer_metrics_and_rearm(); });
  offer_metrics();
}

void ModbusSession::offer_metrics() {
  ports_.sink.offer(metrics_of(state()), nullptr);
}

DeviceState ModbusSession::state() const {
  const ModbusCounts& counts = link_->counts();
  DeviceState state;
  state.name = config_.name;
  state.port = config_.address.text();
  state.counts.good = counts.rounds;
  state.counts.bad_checksum = counts.damaged;
  state.counts.bad = counts.timeouts + counts.exceptions + counts.others;
  state.readings = readings_;
  state.unfit = unfit_ + counts.not_finite;
  state.diagnosis = diagnosis_.standing();
  return state;
}

}  // namespace fieldpost::bridge
