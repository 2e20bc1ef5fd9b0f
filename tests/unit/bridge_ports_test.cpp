#include <doctest/doctest.h>

#include <vector>

#include "firmware-bridge/ports/http_listener.h"
#include "firmware-bridge/ports/port_address.h"
#include "firmware-bridge/ports/port_diagnosis.h"
#include "tests/support/fakes/fake_http.h"

namespace fieldpost::test {
namespace {

using bridge::DeniedPort;
using bridge::mode_suffices;
using bridge::parse_framing;
using bridge::parse_port_address;
using bridge::PortAddress;
using bridge::SerialPortInfo;
using bridge::SerialSettings;
using rt::Errc;
using Kind = PortAddress::Kind;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("an address of a port is read, and written as it was") {
  struct Example {
    const char* text;
    PortAddress::Kind kind;
  };
  for (const Example& each :
       {Example{"/dev/ttyUSB0", Kind::kSerial},
        Example{"/dev/serial/by-id/usb-1a86_USB-if00", Kind::kSerial},
        Example{"usb:2341:0043", Kind::kUsb}, Example{"usb:303a:1001:7C:DF:A1:00", Kind::kUsb},
        Example{"tcp://10.0.0.5:2000", Kind::kTcp}, Example{"tcp://[fe80::1%eth0]:502", Kind::kTcp},
        Example{"udp://0.0.0.0:4000", Kind::kUdp},
        Example{"http://[::1]:8090/sensors/a", Kind::kHttp}}) {
    INFO("address ", std::string(each.text));
    const auto address = parse_port_address(each.text);
    REQUIRE(address.has_value());
    CHECK(address->kind == each.kind);
    CHECK(address->text() == each.text);
  }
}

TEST_CASE("the parts of an address are found") {
  const auto usb = parse_port_address("usb:2341:00aF:95:3");
  REQUIRE(usb.has_value());
  CHECK(usb->vendor == 0x2341);
  CHECK(usb->product == 0xaf);
  CHECK(usb->serial == "95:3");
  CHECK(usb->text() == "usb:2341:00af:95:3");
  const auto http = parse_port_address("http://[::1]:8090/a");
  REQUIRE(http.has_value());
  CHECK(http->host == "::1");
  CHECK(http->port == 8090);
  CHECK(http->path == "/a");
  CHECK(http->host_port() == "[::1]:8090");
  const auto root = parse_port_address("http://127.0.0.1:0");
  REQUIRE(root.has_value());
  CHECK(root->path == "/");
}

TEST_CASE("what is no address of a port is refused, and what was expected is said") {
  const std::vector<std::string> wrong = {"",
                                          "/",
                                          "ttyUSB0",
                                          "COM3",
                                          "usb:",
                                          "usb:2341",
                                          "usb:2341:43",
                                          "usb:2341:00g3",
                                          "usb:2341:0043:",
                                          "usb:2341:00431",
                                          "usb:+341:0043",
                                          "tcp://",
                                          "tcp://host",
                                          "tcp://:2000",
                                          "tcp://host:0",
                                          "tcp://host:65536",
                                          "tcp://host:-1",
                                          "tcp://host:20 ",
                                          "tcp://host:2000/",
                                          "tcp://::1:2000",
                                          "tcp://[]:2000",
                                          "tcp://me@host:2000",
                                          "udp://host:4000/a",
                                          "http://host:80/a b",
                                          "http://host:80/a?b",
                                          "http://host:80/%41",
                                          "https://host:443/",
                                          std::string("/dev/\0tty", 9)};
  for (const std::string& text : wrong) {
    INFO("address ", text);
    const auto address = parse_port_address(text);
    REQUIRE_FALSE(address.has_value());
    CHECK(address.error().code == Errc::kInvalid);
    CHECK(address.error().message.starts_with("expected "));
  }
}

TEST_CASE("framing is read in its usual short form") {
  const auto even = parse_framing("7E2", 9600);
  REQUIRE(even.has_value());
  CHECK(even->baud == 9600);
  CHECK(even->data_bits == 7);
  CHECK(even->parity == SerialSettings::Parity::kEven);
  CHECK(even->stop_bits == 2);
  const auto odd = parse_framing("8O1", 250'000);
  REQUIRE(odd.has_value());
  CHECK(odd->parity == SerialSettings::Parity::kOdd);
  CHECK(odd->data_bits == 8);
  CHECK(odd->stop_bits == 1);
  for (const std::string text : {"", "8N", "8N11", "9N1", "6N1", "8X1", "8N0", "8N3", "8n1"}) {
    INFO("framing ", text);
    REQUIRE_FALSE(parse_framing(text, 9600).has_value());
  }
  CHECK_FALSE(parse_framing("8N1", 0).has_value());
  CHECK_FALSE(parse_framing("8N1", 12'000'001).has_value());
}

SerialPortInfo usb_port(const std::string& path, std::uint16_t product, const std::string& serial) {
  return {path, "", bridge::UsbIdentity{0x2341, product, serial}};
}

PortAddress usb_address(const std::string& text) {
  return parse_port_address(text).value();
}

TEST_CASE("a port is found by vendor and product, or by serial number as well") {
  const std::vector<SerialPortInfo> ports = {{"/dev/ttyS0", "", std::nullopt},
                                             usb_port("/dev/ttyACM0", 0x43, "A1"),
                                             usb_port("/dev/ttyACM1", 0x42, "B1"),
                                             usb_port("/dev/ttyACM2", 0x42, "B2")};
  CHECK(choose_usb_port(usb_address("usb:2341:0043"), ports).value() == "/dev/ttyACM0");
  CHECK(choose_usb_port(usb_address("usb:2341:0042:B2"), ports).value() == "/dev/ttyACM2");
}

TEST_CASE("what fits twice is refused, with how to tell the ports apart") {
  const auto by_serial =
      choose_usb_port(usb_address("usb:2341:0042"),
                      {usb_port("/dev/ttyACM1", 0x42, "B1"), usb_port("/dev/ttyACM2", 0x42, "B2")});
  REQUIRE_FALSE(by_serial.has_value());
  CHECK(by_serial.error().code == Errc::kInvalid);
  CHECK(contains(by_serial.error().message, "/dev/ttyACM1 (usb:2341:0042:B1)"));
  CHECK(contains(by_serial.error().message, "/dev/ttyACM2 (usb:2341:0042:B2)"));
  CHECK(contains(by_serial.error().message, "with its serial number"));
  // Cheap converters have none, and two ports of one device have the same.
  const auto by_path =
      choose_usb_port(usb_address("usb:2341:0042"),
                      {usb_port("/dev/ttyUSB0", 0x42, ""), usb_port("/dev/ttyUSB1", 0x42, "")});
  REQUIRE_FALSE(by_path.has_value());
  CHECK(contains(by_path.error().message, "/dev/serial/by-path"));
}

TEST_CASE("what is not plugged in is not found, and what there is instead is named") {
  const auto other =
      choose_usb_port(usb_address("usb:1a86:7523"), {usb_port("/dev/ttyACM0", 0x43, "A1")});
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().code == Errc::kNotFound);
  CHECK(contains(other.error().message, "usb:1a86:7523"));
  CHECK(contains(other.error().message, "/dev/ttyACM0 (usb:2341:0043:A1)"));
  const auto none = choose_usb_port(usb_address("usb:1a86:7523"), {});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Errc::kNotFound);
  CHECK(contains(none.error().message, "lsusb"));
  const auto other_serial =
      choose_usb_port(usb_address("usb:2341:0043:A2"), {usb_port("/dev/ttyACM0", 0x43, "A1")});
  REQUIRE_FALSE(other_serial.has_value());
  CHECK(other_serial.error().code == Errc::kNotFound);
}

DeniedPort denied_port() {
  DeniedPort port;
  port.path = "/dev/ttyUSB0";
  port.kernel_name = "ttyUSB0";
  port.owner = "root";
  port.group = "dialout";
  port.mode = 0660;
  port.user = "fieldpost-bridge";
  port.user_group = "fieldpost";
  port.usb = bridge::UsbIdentity{0x2341, 0x43, "A1"};
  return port;
}

TEST_CASE("who is not in a port's group is told the group and the udev rule") {
  const std::string message = explain_denied(denied_port());
  CHECK(
      contains(message, "/dev/ttyUSB0 belongs to root:dialout and fieldpost-bridge is not in it"));
  CHECK(contains(message, "usermod -aG dialout fieldpost-bridge"));
  CHECK(contains(message,
                 "/etc/udev/rules.d/60-fieldpost.rules: SUBSYSTEM==\"tty\", "
                 "ATTRS{idVendor}==\"2341\", ATTRS{idProduct}==\"0043\", "
                 "GROUP=\"fieldpost\", MODE=\"0660\""));
}

TEST_CASE("a port whose mode shuts its group out is mended by the rule alone") {
  DeniedPort port = denied_port();
  port.is_in_group = true;
  port.mode = 0600;
  port.usb.reset();
  const std::string message = explain_denied(port);
  CHECK_FALSE(contains(message, "usermod"));
  CHECK(contains(message, "mode 0600"));
  CHECK(contains(message,
                 "SUBSYSTEM==\"tty\", KERNEL==\"ttyUSB0\", GROUP=\"dialout\", "
                 "MODE=\"0660\""));
  port = denied_port();
  port.group = "root";
  CHECK_FALSE(contains(explain_denied(port), "usermod"));
}

TEST_CASE("a port that only the service's unit keeps shut is not blamed on rights") {
  DeniedPort port = denied_port();
  port.rights_suffice = true;
  const std::string message = explain_denied(port);
  CHECK(contains(message, "DeviceAllow=/dev/ttyUSB0 rw"));
  CHECK_FALSE(contains(message, "udev"));
}

TEST_CASE("a rule for a port behind a link names the device, not the link") {
  DeniedPort port = denied_port();
  port.path = "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0";
  port.usb.reset();
  const std::string message = explain_denied(port);
  CHECK(contains(message, "KERNEL==\"ttyUSB0\""));
  CHECK(message.starts_with(port.path + " belongs to root:dialout"));
}

TEST_CASE("whether a mode lets somebody in goes by the first of owner, group and others") {
  const bridge::FileRights dialout{0, 20, 020660};  // a character device
  CHECK(mode_suffices(dialout, {990, {980, 20}}));
  CHECK_FALSE(mode_suffices(dialout, {990, {980}}));
  CHECK(mode_suffices(dialout, {0, {}}));
  CHECK(mode_suffices({990, 20, 0600}, {990, {}}));
  CHECK_FALSE(mode_suffices({990, 20, 0066}, {990, {20}}));
  CHECK_FALSE(mode_suffices({0, 20, 0606}, {990, {20}}));
  CHECK(mode_suffices({0, 20, 0606}, {990, {21}}));
  for (const mode_t half : {0640U, 0620U, 0600U}) {
    INFO("mode ", half);
    CHECK_FALSE(mode_suffices({0, 20, half}, {990, {20}}));
  }
}

/// A server without sockets.
class KeptServer final : public rt::HttpServer {
 public:
  rt::Result<std::unique_ptr<rt::HttpListener>> listen(const rt::HttpServerOptions& told,
                                                       rt::HttpHandler with) override {
    options = told;
    handler = std::move(with);
    return std::unique_ptr<rt::HttpListener>(std::make_unique<Listening>());
  }
  void call(FakeAnswer& answer, std::string_view method, std::string_view target,
            const std::string& body = {}) const {
    handler(make_request(method, target, {}, body), make_responder(answer));
  }
  rt::HttpServerOptions options;
  rt::HttpHandler handler;

 private:
  class Listening final : public rt::HttpListener {
   public:
    [[nodiscard]] std::string address() const override { return "127.0.0.1:8090"; }
    [[nodiscard]] rt::HttpCounters counters() const override { return {}; }
  };
};

/// What listens at /a of a KeptServer, and the messages that came.
struct HttpDoor {
  HttpDoor() {
    auto made = bridge::listen_http(
        server, parse_port_address("http://127.0.0.1:8090/a").value(),
        [this](std::string bytes, const std::function<void(rt::Status)>& answer) {
          messages.push_back(std::move(bytes));
          answers.push_back(answer);
        });
    REQUIRE(made.has_value());
    listener = std::move(*made);
  }
  KeptServer server;
  std::vector<std::string> messages;
  std::vector<std::function<void(rt::Status)>> answers;
  std::unique_ptr<rt::Listener> listener;
};

TEST_CASE("a posted message is answered when it is on disk, or with why it is not") {
  HttpDoor door;
  CHECK(door.server.options.listen == "127.0.0.1:8090");
  CHECK(door.server.options.body_bytes_max == 64 << 10);
  CHECK(door.listener->address() == "127.0.0.1:8090");
  FakeAnswer good, wrong, full;
  door.server.call(good, "POST", "/a", "one");
  door.server.call(wrong, "POST", "/a", "two");
  door.server.call(full, "POST", "/a", "three");
  CHECK(door.messages == std::vector<std::string>{"one", "two", "three"});
  CHECK_FALSE(good.response.has_value());
  door.answers[0](rt::ok());
  door.answers[1](rt::Error{Errc::kInvalid, "no frame in it"});
  door.answers[2](rt::Error{Errc::kFull, "the agent's disk is full"});
  REQUIRE(good.response.has_value());
  CHECK(good.response->status == 204);
  REQUIRE(wrong.response.has_value());
  CHECK(wrong.response->status == 400);
  CHECK(contains(wrong.response->body, "no frame in it"));
  REQUIRE(full.response.has_value());
  CHECK(full.response->status == 503);
  CHECK(full.response->headers.get("Retry-After") == "1");
  CHECK(contains(full.response->body, "disk is full"));
}

TEST_CASE("other paths and methods are no messages") {
  HttpDoor door;
  FakeAnswer path, method;
  door.server.call(path, "POST", "/b", "x");
  door.server.call(method, "GET", "/a");
  REQUIRE(path.response.has_value());
  CHECK(path.response->status == 404);
  REQUIRE(method.response.has_value());
  CHECK(method.response->status == 405);
  CHECK(method.response->headers.get("Allow") == "POST");
  CHECK(door.messages.empty());
}

TEST_CASE("unanswered messages are bounded, and there is room again after an answer") {
  HttpDoor door;
  std::vector<FakeAnswer> waiting(bridge::kHttpPendingMax);
  for (FakeAnswer& each : waiting) door.server.call(each, "POST", "/a", "x");
  FakeAnswer refused, forgotten, fits;
  door.server.call(refused, "POST", "/a", "too many");
  REQUIRE(refused.response.has_value());
  CHECK(refused.response->status == 503);
  CHECK(refused.response->headers.get("Retry-After") == "1");
  CHECK(door.messages.size() == bridge::kHttpPendingMax);
  door.answers.front()(rt::ok());
  door.answers.front()(rt::ok());  // a second answer is nothing
  door.server.call(fits, "POST", "/a", "fits");
  CHECK_FALSE(fits.response.has_value());
  CHECK(door.messages.back() == "fits");
  door.answers.clear();  // dropped without an answer
  door.server.call(forgotten, "POST", "/a", "fits again");
  CHECK(door.messages.back() == "fits again");
}

}  // namespace
}  // namespace fieldpost::test
