#include "firmware-bridge/devices/device_session.h"

#include <algorithm>
#include <utility>

namespace fieldpost::bridge {

using rt::TimerId;

DeviceSession::DeviceSession(DevicePorts ports, DeviceConfig config,
                             std::unique_ptr<Protocol> protocol)
    : ports_(ports),
      config_(std::move(config)),
      watch_(ports, config_, std::move(protocol)),
      ask_again_(std::clamp(config_.silent_after / 2, kAskAgainLeast, kAskAgainMost)) {
  FP_CHECK(!config_.address.is_listened_at());
  open_after(rt::Nanos{0});
}

DeviceSession::~DeviceSession() {
  for (const TimerId timer : {open_timer_, ask_timer_, free_timer_}) ports_.loop.cancel(timer);
}

void DeviceSession::open_after(rt::Nanos pause) {
  ports_.loop.cancel(open_timer_);
  open_timer_ = ports_.loop.after(pause, [this] { open(); });
}

void DeviceSession::open() {
  is_opening_ = true;
  ports_.ports.open(config_.address, config_.serial,
                    [this, alive = std::weak_ptr(alive_)](auto opened) {
                      if (!alive.expired()) on_open(std::move(opened));
                    });
}

void DeviceSession::on_open(rt::Result<std::unique_ptr<Port>> opened) {
  is_opening_ = false;
  if (opened) port_ = *std::move(opened);
  if (is_suspended_) {
    port_.reset();
    tell_free_soon();
    return;
  }
  if (!port_) {
    const bool is_missing = opened.error().code == rt::Errc::kNotFound;
    watch_.on_closed(opened.error());
    return open_after(is_missing ? kLookEvery : pause_.take());
  }
  opened_at_ = read_at_ = ports_.loop.now();
  is_known_ = false;
  watch_.on_opened(port_->name());
  port_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                .on_closed = [this](const std::string& why) { on_closed(why); }});
  ask();
  arm_asking();
}

void DeviceSession::on_data(std::string_view bytes) {
  Heard heard = watch_.hear(bytes);
  const rt::Instant now = ports_.loop.now();
  if (heard.hello) is_known_ = true;
  if (!heard.readings.empty()) {
    read_at_ = now;
    ports_.sink.offer(std::move(heard.readings), {});
  }
  if (!heard.restart_unseen) return;
  // Another firmware may have begun. On a line with noise that may seem so often.
  is_known_ = false;
  if (now - asked_at_ >= kAskAgainLeast) ask();
}

void DeviceSession::on_closed(const std::string& why) {
  const std::string text = why.empty() ? "the other side closed it" : why;
  close();
  // A port that closes again and again is not opened at full speed.
  if (ports_.loop.now() - opened_at_ >= RetryPause::kMost) pause_.reset();
  watch_.on_closed({rt::Errc::kIo, text});
  open_after(pause_.take());
}

void DeviceSession::close() {
  port_.reset();
  is_known_ = false;
  ports_.loop.cancel(std::exchange(ask_timer_, TimerId::kNone));
}

void DeviceSession::suspend(std::function<void()> on_free) {
  is_suspended_ = true;
  on_free_.push_back(std::move(on_free));
  ports_.loop.cancel(std::exchange(open_timer_, TimerId::kNone));
  close();
  watch_.on_suspended();
  if (!is_opening_) tell_free_soon();
}

void DeviceSession::tell_free_soon() {
  ports_.loop.cancel(free_timer_);
  free_timer_ = ports_.loop.after(rt::Nanos{0}, [this] {
    // They may end this session.
    const auto on_free = std::exchange(on_free_, {});
    for (const auto& each : on_free) each();
  });
}

void DeviceSession::resume() {
  if (!std::exchange(is_suspended_, false)) return;
  ports_.loop.cancel(std::exchange(free_timer_, TimerId::kNone));
  on_free_.clear();
  pause_.reset();
  watch_.on_resumed();
  if (!is_opening_) open_after(rt::Nanos{0});
}

void DeviceSession::ask() {
  if (!port_ || port_->unsent() > kUnsentBytesMax) return;
  asked_at_ = ports_.loop.now();
  undeclared_asked_ = watch_.undeclared();
  std::string question = watch_.question();
  if (!question.empty()) port_->send(std::move(question));
}

void DeviceSession::ask_if_needed() {
  arm_asking();
  const bool is_quiet = ports_.loop.now() - read_at_ >= ask_again_;
  if (is_quiet || !is_known_ || watch_.undeclared() > undeclared_asked_) ask();
}

void DeviceSession::arm_asking() {
  ports_.loop.cancel(ask_timer_);
  ask_timer_ = ports_.loop.after(ask_again_, [this] { ask_if_needed(); });
}

}  // namespace fieldpost::bridge
