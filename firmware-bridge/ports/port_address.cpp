#include "firmware-bridge/ports/port_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using Kind = PortAddress::Kind;

constexpr std::size_t kPathBytesMax = 4095;   // PATH_MAX without its zero
constexpr std::size_t kHostBytesMax = 253;    // RFC 1035, as text
constexpr std::size_t kSerialBytesMax = 126;  // of a USB string descriptor
constexpr unsigned kBaudMax = 12'000'000;

bool is_printable(char c) {
  return c > ' ' && c <= '~';
}

bool is_host_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '-' || c == '_';
}

Error expected(std::string_view what, std::string_view text) {
  return {Errc::kInvalid, fmt::format("expected {}, not \"{}\"", what, text)};
}

template <typename T>
std::optional<T> parse_whole(std::string_view digits, int base) {
  T value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || failed != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> parse_usb_id(std::string_view text) {
  if (text.size() != 4) return std::nullopt;
  return parse_whole<std::uint16_t>(text, 16);
}

Result<PortAddress> parse_usb(std::string_view whole, std::string_view rest) {
  const Error wrong = expected(
      "usb:VVVV:PPPP or usb:VVVV:PPPP:SERIAL, vendor and product of four hexadecimal digits as "
      "lsusb shows them",
      whole);
  if (rest.size() < 9 || rest[4] != ':' || (rest.size() > 9 && rest[9] != ':')) return wrong;
  const auto vendor = parse_usb_id(rest.substr(0, 4));
  const auto product = parse_usb_id(rest.substr(5, 4));
  if (!vendor || !product) return wrong;
  PortAddress address{.kind = Kind::kUsb, .path = {}, .serial = {}, .host = {}};
  address.vendor = *vendor;
  address.product = *product;
  if (rest.size() == 9) return address;
  address.serial = rest.substr(10);  // may hold colons itself
  if (address.serial.empty() || address.serial.size() > kSerialBytesMax) return wrong;
  if (!std::ranges::all_of(address.serial, [](char c) { return c == ' ' || is_printable(c); })) {
    return wrong;
  }
  return address;
}

bool is_host(std::string_view host, bool in_brackets) {
  if (host.empty() || host.size() > kHostBytesMax) return false;
  return std::ranges::all_of(host, [&](char c) {
    return is_host_character(c) || (in_brackets && (c == ':' || c == '%'));
  });
}

/// HOST:PORT or [HOST]:PORT.
bool split_host_port(std::string_view text, PortAddress& address) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto port = parse_whole<std::uint16_t>(text.substr(colon + 1), 10);
  if (!port || (*port == 0 && !address.is_listened_at())) return false;
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (!is_host(host, in_brackets)) return false;
  address.host = host;
  address.port = *port;
  return true;
}

bool is_http_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= kPathBytesMax &&
         std::ranges::all_of(
             path, [](char c) { return is_printable(c) && c != '%' && c != '?' && c != '#'; });
}

struct Scheme {
  Kind kind;
  std::string_view prefix;
  std::string_view form;
};
constexpr Scheme kSchemes[] = {{Kind::kTcp, "tcp://", "tcp://HOST:PORT"},
                               {Kind::kUdp, "udp://", "udp://HOST:PORT"},
                               {Kind::kHttp, "http://", "http://HOST:PORT/PATH"}};

Result<PortAddress> parse_net(std::string_view whole, const Scheme& scheme) {
  const Error wrong =
      expected(fmt::format("{} (IPv6 in brackets, PORT up to 65535)", scheme.form), whole);
  PortAddress address{.kind = scheme.kind, .path = {}, .serial = {}, .host = {}};
  std::string_view rest = whole.substr(scheme.prefix.size());
  const std::size_t slash = rest.find('/');
  if (scheme.kind == Kind::kHttp) {
    address.path = slash == std::string_view::npos ? "/" : rest.substr(slash);
    if (!is_http_path(address.path)) return wrong;
    rest = rest.substr(0, slash);
  }
  if (!split_host_port(rest, address)) return wrong;
  return address;
}

Result<PortAddress> parse_path(std::string_view text) {
  const bool is_path = text.starts_with('/') && text.size() > 1 && text.size() <= kPathBytesMax &&
                       text.find('\0') == std::string_view::npos;
  if (!is_path) {
    return expected(
        "a path such as /dev/ttyUSB0, usb:VVVV:PPPP, tcp://HOST:PORT, "
        "udp://HOST:PORT or http://HOST:PORT/PATH",
        text);
  }
  PortAddress address;
  address.path = text;
  return address;
}

}  // namespace

Result<PortAddress> parse_port_address(std::string_view text) {
  constexpr std::string_view kUsb = "usb:";
  if (text.starts_with(kUsb)) return parse_usb(text, text.substr(kUsb.size()));
  for (const Scheme& scheme : kSchemes) {
    if (text.starts_with(scheme.prefix)) return parse_net(text, scheme);
  }
  return parse_path(text);
}

std::string PortAddress::host_port() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string PortAddress::text() const {
  switch (kind) {
    case Kind::kSerial: return path;
    case Kind::kUsb:
      return fmt::format("usb:{:04x}:{:04x}{}{}", vendor, product, serial.empty() ? "" : ":",
                         serial);
    case Kind::kTcp: return "tcp://" + host_port();
    case Kind::kUdp: return "udp://" + host_port();
    case Kind::kHttp: return "http://" + host_port() + path;
  }
  FP_CHECK(false);
}

Result<SerialSettings> parse_framing(std::string_view text, unsigned baud) {
  using Parity = SerialSettings::Parity;
  if (baud == 0 || baud > kBaudMax) {
    return Error{Errc::kInvalid, fmt::format("expected 1 to {} baud, not {}", kBaudMax, baud)};
  }
  const Error wrong =
      expected("data bits (7 or 8), parity (N, E or O) and stop bits (1 or 2) such as 8N1", text);
  if (text.size() != 3) return wrong;
  SerialSettings settings{.baud = baud};
  if (text[0] != '7' && text[0] != '8') return wrong;
  if (text[2] != '1' && text[2] != '2') return wrong;
  settings.data_bits = static_cast<unsigned>(text[0] - '0');
  settings.stop_bits = static_cast<unsigned>(text[2] - '0');
  switch (text[1]) {
    case 'N': settings.parity = Parity::kNone; break;
    case 'E': settings.parity = Parity::kEven; break;
    case 'O': settings.parity = Parity::kOdd; break;
    default: return wrong;
  }
  return settings;
}

}  // namespace fieldpost::bridge
