#include "firmware-bridge/devices/message_session.h"

#include <utility>

namespace fieldpost::bridge {
namespace {

rt::Error not_understood(const Heard& heard) {
  const std::string_view why =
      heard.why_bad.empty() ? std::string_view("it holds no reading") : heard.why_bad;
  return {rt::Errc::kInvalid, "reading a message: " + std::string(why)};
}

}  // namespace

MessageSession::MessageSession(DevicePorts ports, DeviceConfig config,
                               std::unique_ptr<Protocol> protocol)
    : ports_(ports), config_(std::move(config)), watch_(ports, config_, std::move(protocol)) {
  FP_CHECK(config_.address.is_listened_at());
  listen_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { listen(); });
}

void MessageSession::listen() {
  auto listener = ports_.ports.listen(
      config_.address,
      [this](const std::string& bytes, const Answer& answer) { on_message(bytes, answer); });
  if (!listener) {
    watch_.on_closed(listener.error());
    listen_timer_ = ports_.loop.after(pause_.take(), [this] { listen(); });
    return;
  }
  listener_ = *std::move(listener);
  watch_.on_opened(listener_->address());
}

void MessageSession::on_message(std::string_view bytes, const Answer& answer) {
  Heard heard = watch_.hear_message(bytes);
  if (heard.readings.empty()) {
    const bool is_told = (heard.hello || heard.declared) && heard.why_bad.empty();
    return answer(is_told ? rt::ok() : rt::Status(not_understood(heard)));
  }
  // Whoever sends again what is half bad would do so for ever.
  rt::Status verdict = heard.why_bad.empty() ? rt::ok() : rt::Status(not_understood(heard));
  ports_.sink.offer(std::move(heard.readings), [answer, verdict](const rt::Status& on_disk) {
    answer(on_disk ? verdict : on_disk);
  });
}

}  // namespace fieldpost::bridge
