#pragma once

#include <memory>

#include "firmware-bridge/ports/port.h"
#include "firmware-bridge/ports/usb_names.h"
#include "proto/rt/asio_http.h"
#include "proto/rt/clock.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::bridge {

/// The device file of a serial port, links followed. kNotFound: it is not plugged in.
[[nodiscard]] rt::Result<std::string> find_serial_path(const PortAddress& address,
                                                       const DeviceTrees& trees = {});

/// Ports of the operating system. Loop and clock outlive it and what it gives. Once it is dropped
/// no `on_open` is called any more.
class RealPorts final : public Ports {
 public:
  RealPorts(rt::RealLoop& loop, const rt::WallClock& clock, DeviceTrees trees = {});
  void open(const PortAddress& address, const SerialSettings& settings, OnOpen on_open) override;
  rt::Result<std::unique_ptr<rt::Listener>> listen(const PortAddress& address,
                                                   OnMessage on_message) override;

 private:
  [[nodiscard]] rt::Result<std::unique_ptr<Port>> open_serial(const PortAddress& address,
                                                              const SerialSettings& settings) const;

  rt::RealLoop& loop_;
  rt::AsioHttpServer http_;
  DeviceTrees trees_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge
