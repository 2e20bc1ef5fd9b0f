#include "firmware-bridge/ports/stream_port.h"

#include <fmt/format.h>

namespace fieldpost::bridge {

void StreamPort::start(Handlers handlers) {
  // The handler outlives this object when the object is dropped inside it.
  auto told = [on_closed = std::move(handlers.on_closed), closing = closing_, name = name_,
               lost = lost_](const std::string& why) {
    if (!on_closed) return;
    if (*closing && why.empty()) return on_closed("");
    on_closed(why.empty() ? fmt::format("{} {}", name, lost)
                          : fmt::format("{} {} ({})", name, lost, why));
  };
  // A board has no half of a connection: its end is the end.
  stream_->start({.on_data = std::move(handlers.on_data), .on_closed = std::move(told)});
}

void StreamPort::close_after_send() {
  *closing_ = true;
  stream_->close_after_send();
}

rt::Status StreamPort::set_baud(unsigned) {
  return rt::Error{rt::Errc::kInvalid, name_ + " is no serial port of this host"};
}

}  // namespace fieldpost::bridge
