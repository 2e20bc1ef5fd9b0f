#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// Where a board is.
struct PortAddress {
  enum class Kind : std::uint8_t {
    kSerial,  ///< `path`
    kUsb,     ///< a serial port by the USB device behind it: `vendor`, `product`, `serial`
    kTcp,     ///< a serial server (ser2net, raw), or Modbus TCP: `host`, `port`
    kUdp,     ///< listens at `host`, `port`; a datagram is a message
    kHttp,    ///< listens at `host`, `port`, `path`; the body of a POST is a message
  };
  Kind kind = Kind::kSerial;
  std::string path;
  std::uint16_t vendor = 0, product = 0;
  std::string serial;  ///< empty: any
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] bool is_listened_at() const { return kind == Kind::kUdp || kind == Kind::kHttp; }
  [[nodiscard]] bool is_serial() const { return kind == Kind::kSerial || kind == Kind::kUsb; }
  [[nodiscard]] std::string host_port() const;  ///< "10.0.0.5:2000", "[::1]:2000"
  /// As `parse_port_address` takes it.
  [[nodiscard]] std::string text() const;
};
/// "/dev/serial/by-id/…" or another path, "usb:VVVV:PPPP" or "usb:VVVV:PPPP:SERIAL" (hexadecimal),
/// "tcp://HOST:PORT", "udp://HOST:PORT", "http://HOST:PORT/PATH"; IPv6 in brackets. kInvalid says
/// what was expected.
rt::Result<PortAddress> parse_port_address(std::string_view text);

/// Of a serial port; others pass over it.
struct SerialSettings {
  enum class Parity : std::uint8_t { kNone, kEven, kOdd };
  unsigned baud = 115200;
  unsigned data_bits = 8;  ///< 7 or 8
  Parity parity = Parity::kNone;
  unsigned stop_bits = 1;  ///< 1 or 2
  bool operator==(const SerialSettings&) const = default;
};
/// "8N1", "7E1", "8O2": sets all but the baud rate.
rt::Result<SerialSettings> parse_framing(std::string_view text, unsigned baud);

}  // namespace fieldpost::bridge
