#pragma once

#include <functional>
#include <memory>
#include <string>

#include "firmware-bridge/ports/port_address.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::bridge {

/// A port to a board that is open, and ours alone while it is. Dropping it closes it; what is not
/// sent by then may be lost.
class Port : public rt::Stream {
 public:
  /// kInvalid: no serial port, or it cannot be that fast; kUnavailable: it is closed.
  virtual rt::Status set_baud(unsigned baud) = 0;
  /// "/dev/ttyUSB0", "10.0.0.5:2000".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// A message of a board that speaks IP. `answer` is called once, when what it says is on the
/// agent's disk, or with why it is not; what has no way back passes over that.
using OnMessage =
    std::function<void(std::string bytes, const std::function<void(rt::Status)>& answer)>;

/// Opens ports. Loop thread only.
class Ports {
 public:
  virtual ~Ports() = default;
  using OnOpen = std::function<void(rt::Result<std::unique_ptr<Port>>)>;
  /// `on_open` is called once, not from inside, and not any more once this is dropped. kNotFound:
  /// it is not plugged in; kBusy: the message says which process has it; kDenied: the message has
  /// the udev rule that mends it; kUnavailable: nobody listens there; kInvalid: it is no serial
  /// port, cannot do these settings, or several fit a usb: address. Not for what is listened at.
  virtual void open(const PortAddress& address, const SerialSettings& settings, OnOpen on_open) = 0;
  /// Of kUdp and kHttp. kBusy, kDenied, kInvalid. Dropping what is given stops listening.
  virtual rt::Result<std::unique_ptr<rt::Listener>> listen(const PortAddress& address,
                                                           OnMessage on_message) = 0;
};

}  // namespace fieldpost::bridge
