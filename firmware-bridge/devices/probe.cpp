#include "firmware-bridge/devices/probe.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <utility>

namespace fieldpost::bridge {
namespace {

using rt::TimerId;
using Kind = ProtocolOptions::Kind;

constexpr unsigned kBauds[] = {9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1000000};
constexpr Kind kKinds[] = {Kind::kFrames, Kind::kNmea, Kind::kJson, Kind::kLineProtocol};

double seconds(rt::Nanos span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

Probe::Probe(ProbePorts ports, ProbeOptions options, MakeProtocol make_protocol,
             OnProgress on_progress, OnDone on_done)
    : ports_(ports),
      options_(std::move(options)),
      make_protocol_(std::move(make_protocol)),
      on_progress_(std::move(on_progress)),
      on_done_(std::move(on_done)) {
  FP_CHECK(!options_.address.is_listened_at());
  report_.port = options_.address.text();
  evidence_.address = options_.address;
  evidence_.baud = options_.serial.baud;
  evidence_.protocol = options_.protocol.kind;
  evidence_.window = options_.listen_for;
  ports_.ports.open(options_.address, options_.serial,
                    [this, alive = std::weak_ptr(alive_)](auto opened) {
                      if (!alive.expired()) on_open(std::move(opened));
                    });
}

Probe::~Probe() {
  ports_.loop.cancel(listen_timer_);
  ports_.loop.cancel(ask_timer_);
}

ProbeHearing Probe::hearing_of(const ProtocolOptions& options) const {
  auto protocol = make_protocol_(options);
  FP_CHECK(protocol.has_value());
  return ProbeHearing(*std::move(protocol), options_.listen_for);
}

void Probe::on_open(rt::Result<std::unique_ptr<Port>> opened) {
  if (!opened) {
    evidence_.port_error = opened.error();
    report_.diagnosis = diagnose(evidence_);
    return finish_soon();
  }
  port_ = *std::move(opened);
  report_.port = port_->name();
  port_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                .on_closed = [this](const std::string& why) { on_closed(why); }});
  listen_at(options_.serial.baud, options_.listen_for, [this] { on_listened(); });
}

void Probe::listen_at(unsigned baud, rt::Nanos span, std::function<void()> then) {
  baud_ = baud;
  capture_.clear();
  hearing_.emplace(hearing_of(options_.protocol));
  const std::string at = options_.address.is_serial() ? fmt::format(" at {} baud", baud) : "";
  on_progress_(fmt::format("listening for {}{}, {:g} s", to_string(options_.protocol.kind), at,
                           seconds(span)));
  listen_timer_ = ports_.loop.after(span, std::move(then));
  ask();
}

/// A board that restarts because its port was opened does not hear the first question.
void Probe::ask() {
  ports_.loop.cancel(ask_timer_);
  ask_timer_ = ports_.loop.after(kAskAgain, [this] { ask(); });
  if (hearing_->record().hello()) return;
  std::string question = hearing_->protocol().question();
  if (!question.empty() && port_->unsent() == 0) port_->send(std::move(question));
}

void Probe::on_data(std::string_view bytes) {
  capture_.append(bytes.substr(0, kCaptureBytesMax - capture_.size()));
  hearing_->feed(bytes, ports_.loop.now(), ports_.clock.now());
}

void Probe::on_closed(const std::string& why) {
  rt::Error error{rt::Errc::kIo, why.empty() ? "the other side closed it" : why};
  on_progress_("the port closed: " + error.message);
  // While other settings are tried, what was found by the options' stays.
  if (report_.diagnosis.verdict == Verdict::kWaiting) {
    evidence_.port_error = std::move(error);
    describe(*hearing_);
    diagnose_heard();
  }
  finish_soon();
}

void Probe::on_listened() {
  describe(*hearing_);
  diagnose_heard();
  if (report_.diagnosis.verdict != Verdict::kNoFrames) {
    if (hearing_->fits()) fit(options_.protocol.kind, *hearing_);
    return finish_soon();
  }
  on_progress_(fmt::format("{} bytes, but no {}: looking for what fits",
                           report_.traffic.counts.bytes, message_word(options_.protocol.kind)));
  if (try_other_protocols()) return finish_soon();
  try_next_baud();
}

void Probe::on_listened_at_other() {
  if (hearing_->fits()) {
    fit(options_.protocol.kind, *hearing_);
    return finish_soon();
  }
  if (try_other_protocols()) return finish_soon();
  try_next_baud();
}

bool Probe::try_other_protocols() {
  std::optional<ProbeHearing> best;
  Kind best_kind = Kind::kFrames;
  const auto good = [](const ProbeHearing& each) { return each.record().total().counts.good; };
  for (const Kind kind : kKinds) {
    if (kind == options_.protocol.kind) continue;
    ProtocolOptions other;
    other.kind = kind;
    ProbeHearing hearing = hearing_of(other);
    hearing.feed(capture_, ports_.loop.now(), ports_.clock.now());
    if (!hearing.fits() || (best && good(*best) >= good(hearing))) continue;
    best.emplace(std::move(hearing));
    best_kind = kind;
  }
  if (best) fit(best_kind, *best);
  return best.has_value();
}

void Probe::try_next_baud() {
  while (next_baud_ < std::size(kBauds)) {
    const unsigned baud = kBauds[next_baud_++];
    if (baud == options_.serial.baud || !port_->set_baud(baud)) continue;
    return listen_at(baud, kListenForOther, [this] { on_listened_at_other(); });
  }
  on_progress_("nothing fits");
  finish_soon();
}

/// What is understood at other settings than the options' is told with the diagnosis of these.
void Probe::fit(Kind protocol, const ProbeHearing& hearing) {
  evidence_.fitting_baud = report_.fitting_baud = baud_;
  evidence_.fitting_protocol = report_.fitting_protocol = protocol;
  report_.hello = hearing.record().hello();
  report_.series = hearing.series();
  report_.readings_untold = hearing.readings_untold();
  report_.diagnosis = diagnose(evidence_);
  const bool is_other = protocol != options_.protocol.kind;
  on_progress_(fmt::format("{} {}s{}{}", hearing.record().total().counts.good,
                           message_word(protocol),
                           is_other ? fmt::format(" of {}", to_string(protocol)) : "",
                           options_.address.is_serial() ? fmt::format(" at {} baud", baud_) : ""));
}

void Probe::describe(const ProbeHearing& hearing) {
  const BoardRecord& record = hearing.record();
  report_.traffic = record.total();
  report_.lost = record.lost();
  report_.boots = record.boots();
  report_.hello = record.hello();
  report_.series = hearing.series();
  report_.readings_untold = hearing.readings_untold();
}

void Probe::diagnose_heard() {
  hearing_->record().tell(ports_.loop.now(), ports_.clock.synchronised(), evidence_);
  evidence_.open_for = options_.listen_for;
  report_.diagnosis = diagnose(evidence_);
}

void Probe::finish_soon() {
  ports_.loop.cancel(ask_timer_);
  ports_.loop.cancel(listen_timer_);
  port_.reset();
  listen_timer_ = ports_.loop.after(rt::Nanos{0}, [this] {
    const OnDone on_done = std::move(on_done_);
    on_done(std::move(report_));
  });
}

}  // namespace fieldpost::bridge
