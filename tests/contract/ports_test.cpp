#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include "firmware-bridge/ports/port_owner.h"
#include "firmware-bridge/ports/real_ports.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/system_clock.h"
#include "tests/contract/rigs.h"
#include "tests/support/raw_client.h"
#include "tests/support/sim/sim_ports.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using bridge::parse_port_address;
using bridge::Port;
using rt::Errc;
using rt::FileDescriptor;
using Opening = rt::Result<std::unique_ptr<Port>>;

void write_all(const FileDescriptor& fd, std::string_view bytes) {
  REQUIRE(::write(fd.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
}

std::string read_ready(const FileDescriptor& fd) {
  std::array<char, 4096> buffer{};
  std::string bytes;
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

/// A pty behind a link, so that a board that is plugged in again has the same address.
class RealSerialBoard {
 public:
  [[nodiscard]] std::string address() const { return directory_.file("ttyUSB0"); }
  [[nodiscard]] std::string name() const { return address(); }
  [[nodiscard]] std::string directory() const { return directory_.path(); }
  void plug() {
    board_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    REQUIRE(board_.is_open());
    REQUIRE(::grantpt(board_.get()) == 0);
    REQUIRE(::unlockpt(board_.get()) == 0);
    std::array<char, 64> path{};
    REQUIRE(::ptsname_r(board_.get(), path.data(), path.size()) == 0);
    std::filesystem::create_symlink(path.data(), address());
  }
  void unplug() {
    board_.reset();
    std::filesystem::remove(address());
  }
  void feed(std::string_view bytes) { write_all(board_, bytes); }
  const std::string& sent() { return sent_ += read_ready(board_); }

 private:
  TempDirectory directory_;
  FileDescriptor board_;
  std::string sent_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A serial server.
class RealTcpBoard {
 public:
  [[nodiscard]] std::string address() const { return "tcp://" + name(); }
  [[nodiscard]] std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
  void plug() {
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    server_.reset(::socket(AF_INET, type, 0));
    const int on = 1;
    ::setsockopt(server_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in at = loopback(port_);
    socklen_t size = sizeof at;
    REQUIRE(::bind(server_.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(server_.get(), 4) == 0);
    REQUIRE(::getsockname(server_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  void unplug() {
    accept();
    server_.reset();
    board_.reset();
  }
  void feed(std::string_view bytes) {
    accept();
    write_all(board_, bytes);
  }
  const std::string& sent() {
    accept();
    return board_.is_open() ? sent_ += read_ready(board_) : sent_;
  }

 private:
  void accept() {
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    FileDescriptor peer(::accept4(server_.get(), nullptr, nullptr, flags));
    if (peer.is_open()) board_ = std::move(peer);
  }

  FileDescriptor server_, board_;
  std::string sent_;
  std::uint16_t port_ = 0;
};

struct RealPortsRig : RealRig {
  rt::SystemClock clock;
  std::unique_ptr<bridge::RealPorts> ports = std::make_unique<bridge::RealPorts>(loop, clock);
  RealSerialBoard serial;
  RealTcpBoard tcp;

  [[nodiscard]] static std::string udp_address() { return "udp://127.0.0.1:0"; }
  /// From outside to a listener of ours.
  static void send_datagram(const rt::Listener& to, std::string_view bytes) {
    const FileDescriptor from(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const std::string address = to.address();
    const sockaddr_in at =
        loopback(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
    REQUIRE(::sendto(from.get(), bytes.data(), bytes.size(), 0,
                     reinterpret_cast<const sockaddr*>(&at),
                     sizeof at) == static_cast<ssize_t>(bytes.size()));
  }
};

class SimWire {
 public:
  SimWire(sim::SimPorts& ports, std::string address, std::string name)
      : ports_(ports), address_(std::move(address)), name_(std::move(name)) {}
  [[nodiscard]] std::string address() const { return address_; }
  [[nodiscard]] std::string name() const { return name_; }
  void plug() { ports_.plug(address_); }
  void unplug() { ports_.unplug(address_); }
  void feed(const std::string& bytes) { ports_.feed(address_, bytes); }
  const std::string& sent() { return ports_.board(address_).sent; }

 private:
  sim::SimPorts& ports_;
  std::string address_, name_;
};

struct SimPortsRig : SimRig {
  std::unique_ptr<sim::SimPorts> ports = std::make_unique<sim::SimPorts>(loop);
  SimWire serial{*ports, "/dev/ttyUSB0", "/dev/ttyUSB0"};
  SimWire tcp{*ports, "tcp://10.0.0.5:2000", "10.0.0.5:2000"};

  [[nodiscard]] static std::string udp_address() { return "udp://127.0.0.1:0"; }
  void send_datagram(const rt::Listener& to, const std::string& bytes) const {
    CHECK(ports->deliver("udp://" + to.address(), bytes));
  }
};

template <typename Rig>
Opening open_port(Rig& rig, const std::string& address) {
  const auto parsed = parse_port_address(address);
  REQUIRE(parsed.has_value());
  std::optional<Opening> opened;
  int calls = 0;
  rig.ports->open(*parsed, {}, [&](Opening opening) {
    calls += 1;
    opened.emplace(std::move(opening));
  });
  CHECK(calls == 0);  // not from inside
  REQUIRE(rig.run_until([&] { return calls > 0; }));
  CHECK(calls == 1);
  return *std::move(opened);
}

template <typename Rig>
Errc refusal(Rig& rig, const std::string& address) {
  const auto opened = open_port(rig, address);
  REQUIRE_FALSE(opened.has_value());
  CHECK_FALSE(opened.error().message.empty());
  return opened.error().code;
}

/// A port that is open, and all that came over it.
struct Talk {
  template <typename Rig>
  Talk(Rig& rig, const std::string& address) {
    auto opened = open_port(rig, address);
    REQUIRE(opened.has_value());
    port = std::move(*opened);
    port->start({.on_data = [this](const std::string& bytes) { data += bytes; },
                 .on_closed =
                     [this](std::string reason) {
                       closed += 1;
                       why = std::move(reason);
                     }});
  }
  std::unique_ptr<Port> port;
  std::string data;
  std::string why;
  int closed = 0;
};

std::string every_byte() {
  std::string bytes;
  for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
  return bytes;
}

template <typename Rig, typename Board>
void carries_every_byte(Rig& rig, Board& board) {
  board.plug();
  Talk talk(rig, board.address());
  CHECK(talk.port->name() == board.name());
  board.feed(every_byte());
  CHECK(rig.run_until([&] { return talk.data.size() == 256; }));
  CHECK(talk.data == every_byte());
  rig.run_for(rt::Millis{20});
  CHECK(board.sent().empty());  // nothing is echoed
  talk.port->send(every_byte());
  CHECK(rig.run_until([&] { return board.sent().size() == 256; }));
  CHECK(board.sent() == every_byte());
  CHECK(talk.port->unsent() == 0);
}

TEST_CASE_TEMPLATE("every byte passes a port unchanged, both ways", Rig, RealPortsRig,
                   SimPortsRig) {
  Rig rig;
  SUBCASE("serial") {
    carries_every_byte(rig, rig.serial);
  }
  SUBCASE("tcp") {
    carries_every_byte(rig, rig.tcp);
  }
}

template <typename Rig, typename Board>
void ends_and_comes_back(Rig& rig, Board& board, Errc while_gone) {
  board.plug();
  Talk talk(rig, board.address());
  board.feed("a");
  CHECK(rig.run_until([&] { return talk.data == "a"; }));
  board.unplug();
  CHECK(rig.run_until([&] { return talk.closed == 1; }));
  CHECK(talk.why.find(board.name()) != std::string::npos);
  talk.port->send("nobody hears this");
  CHECK(talk.port->unsent() == 0);
  CHECK(refusal(rig, board.address()) == while_gone);
  board.plug();
  Talk again(rig, board.address());  // though the one that ended is still held
  board.feed("b");
  CHECK(rig.run_until([&] { return again.data == "b"; }));
  CHECK(talk.closed == 1);
  CHECK(talk.data == "a");
}

TEST_CASE_TEMPLATE("a board that goes ends its port once, with a reason, and can come back", Rig,
                   RealPortsRig, SimPortsRig) {
  Rig rig;
  SUBCASE("serial") {
    ends_and_comes_back(rig, rig.serial, Errc::kNotFound);
  }
  SUBCASE("tcp") {
    ends_and_comes_back(rig, rig.tcp, Errc::kUnavailable);
  }
}

TEST_CASE_TEMPLATE("a serial port is ours alone until it is dropped", Rig, RealPortsRig,
                   SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  Talk first(rig, rig.serial.address());
  const auto second = open_port(rig, rig.serial.address());
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::kBusy);
  CHECK(second.error().message.find("itself") != std::string::npos);
  rig.serial.feed("a");
  CHECK(rig.run_until([&] { return first.data == "a"; }));
  first.port.reset();
  Talk third(rig, rig.serial.address());
  rig.serial.feed("b");
  CHECK(rig.run_until([&] { return third.data == "b"; }));
  CHECK(first.data == "a");
  CHECK(first.closed == 0);
}

TEST_CASE_TEMPLATE("what is not plugged in is not found", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  CHECK(refusal(rig, rig.serial.address()) == Errc::kNotFound);
}

TEST_CASE_TEMPLATE("what a board said before its port was opened is not heard", Rig, RealPortsRig,
                   SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  rig.serial.feed("stale\n");
  rig.run_for(rt::Millis{20});
  Talk talk(rig, rig.serial.address());
  rig.serial.feed("fresh");
  CHECK(rig.run_until([&] { return !talk.data.empty(); }));
  rig.run_for(rt::Millis{20});
  CHECK(talk.data == "fresh");
}

template <typename Rig, typename Board>
void is_dropped_by_its_handlers(Rig& rig, Board& board) {
  board.plug();
  auto opened = open_port(rig, board.address());
  REQUIRE(opened.has_value());
  std::unique_ptr<Port> port = std::move(*opened);
  bool got = false;
  port->start({.on_data =
                   [&](const std::string&) {
                     port.reset();
                     got = true;
                   },
               .on_closed = [](const std::string&) { FAIL("was dropped"); }});
  board.feed("x");
  CHECK(rig.run_until([&] { return got; }));
  opened = open_port(rig, board.address());
  REQUIRE(opened.has_value());
  port = std::move(*opened);
  bool closed = false;
  port->start({.on_data = [](const std::string&) {},
               .on_closed =
                   [&](const std::string&) {
                     port.reset();
                     closed = true;
                   }});
  board.unplug();
  CHECK(rig.run_until([&] { return closed; }));
}

TEST_CASE_TEMPLATE("a port may be dropped by its own handlers", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  SUBCASE("serial") {
    is_dropped_by_its_handlers(rig, rig.serial);
  }
  SUBCASE("tcp") {
    is_dropped_by_its_handlers(rig, rig.tcp);
  }
}

TEST_CASE_TEMPLATE("a port that was asked to close sends first, and has no reason to tell", Rig,
                   RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  Talk talk(rig, rig.serial.address());
  talk.port->send("last words");
  talk.port->close_after_send();
  talk.port->send("too late");
  CHECK(talk.closed == 0);
  CHECK(rig.run_until([&] { return talk.closed == 1; }));
  CHECK(talk.why.empty());
  CHECK(rig.run_until([&] { return rig.serial.sent() == "last words"; }));
}

TEST_CASE_TEMPLATE("a port that does not read keeps what comes", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  Talk talk(rig, rig.serial.address());
  talk.port->set_reading(false);
  rig.serial.feed("later");
  rig.run_for(rt::Millis{20});
  CHECK(talk.data.empty());
  talk.port->set_reading(true);
  CHECK(rig.run_until([&] { return talk.data == "later"; }));
}

TEST_CASE_TEMPLATE("a serial port takes any speed but none at all, and carries on", Rig,
                   RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  Talk talk(rig, rig.serial.address());
  CHECK(talk.port->set_baud(250'000).has_value());
  const auto none = talk.port->set_baud(0);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Errc::kInvalid);
  rig.serial.feed("x");
  CHECK(rig.run_until([&] { return talk.data == "x"; }));
  rig.serial.unplug();
  CHECK(rig.run_until([&] { return talk.closed == 1; }));
  const auto gone = talk.port->set_baud(9600);
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code == Errc::kUnavailable);
}

TEST_CASE_TEMPLATE("a connection has neither a speed nor lines", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.tcp.plug();
  Talk talk(rig, rig.tcp.address());
  const auto baud = talk.port->set_baud(9600);
  REQUIRE_FALSE(baud.has_value());
  CHECK(baud.error().code == Errc::kInvalid);
  const auto reset = talk.port->reset_board();
  REQUIRE_FALSE(reset.has_value());
  CHECK(reset.error().code == Errc::kInvalid);
}

TEST_CASE_TEMPLATE("ports that are dropped open nothing any more", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.serial.plug();
  rig.tcp.plug();
  int calls = 0;
  for (const std::string& address : {rig.serial.address(), rig.tcp.address()}) {
    const auto parsed = parse_port_address(address);
    REQUIRE(parsed.has_value());
    rig.ports->open(*parsed, {}, [&](const Opening&) { calls += 1; });
  }
  rig.ports.reset();
  rig.run_for(rt::Millis{50});
  CHECK(calls == 0);
}

/// A listener, and the messages that came to it.
struct Ear {
  template <typename Rig>
  Ear(Rig& rig, const std::string& address) {
    const auto parsed = parse_port_address(address);
    REQUIRE(parsed.has_value());
    auto made = rig.ports->listen(
        *parsed, [this](std::string bytes, const std::function<void(rt::Status)>& answer) {
          messages.push_back(std::move(bytes));
          answer(rt::ok());
          if (leaves) listener.reset();
        });
    REQUIRE(made.has_value());
    listener = std::move(*made);
  }
  std::unique_ptr<rt::Listener> listener;
  std::vector<std::string> messages;
  bool leaves = false;  ///< stops listening inside the first message
};

TEST_CASE_TEMPLATE("each datagram is a message", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  const Ear ear(rig, rig.udp_address());
  const std::string large(20'000, 'x');
  rig.send_datagram(*ear.listener, "one");
  rig.send_datagram(*ear.listener, large);
  rig.send_datagram(*ear.listener, std::string("\0\n", 2));
  CHECK(rig.run_until([&] { return ear.messages.size() == 3; }));
  CHECK(ear.messages == std::vector<std::string>{"one", large, std::string("\0\n", 2)});
}

template <typename Rig>
void holds_its_place(Rig& rig, const std::string& scheme, const std::string& path) {
  std::optional<Ear> ear;
  ear.emplace(rig, scheme + "127.0.0.1:0" + path);
  const std::string address = scheme + ear->listener->address() + path;
  const auto parsed = parse_port_address(address);
  REQUIRE(parsed.has_value());
  CHECK(parsed->port != 0);
  const auto ignore = [](const std::string&, const std::function<void(rt::Status)>&) {};
  const auto second = rig.ports->listen(*parsed, ignore);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::kBusy);
  ear.reset();
  CHECK(rig.ports->listen(*parsed, ignore).has_value());
}

TEST_CASE_TEMPLATE("one listener has a place until it is dropped", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  SUBCASE("udp") {
    holds_its_place(rig, "udp://", "");
  }
  SUBCASE("http") {
    holds_its_place(rig, "http://", "/a");
  }
}

TEST_CASE_TEMPLATE("a listener may be dropped inside a message", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  Ear ear(rig, rig.udp_address());
  ear.leaves = true;
  // Both are there before the loop turns.
  rig.send_datagram(*ear.listener, "one");
  rig.send_datagram(*ear.listener, "two");
  CHECK(rig.run_until([&] { return !ear.messages.empty(); }));
  rig.run_for(rt::Millis{20});
  CHECK(ear.messages == std::vector<std::string>{"one"});
}

TEST_CASE("a real listener takes addresses of this host only") {
  RealPortsRig rig;
  const auto ignore = [](const std::string&, const std::function<void(rt::Status)>&) {};
  for (const std::string text : {"udp://192.0.2.1:0", "http://192.0.2.1:0/a", "udp://nowhere:0"}) {
    INFO("address ", text);
    const auto address = parse_port_address(text);
    REQUIRE(address.has_value());
    const auto listening = rig.ports->listen(*address, ignore);
    REQUIRE_FALSE(listening.has_value());
    CHECK(listening.error().code == Errc::kInvalid);
  }
}

TEST_CASE("a real message by HTTP is answered, and a listener may go inside one") {
  RealPortsRig rig;
  Ear ear(rig, "http://127.0.0.1:0/a");
  const std::string post = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
  RawClient client(ear.listener->address());
  client.send(post + "one");
  CHECK(rig.run_until([&] {
    client.poll();
    return !client.got().empty();
  }));
  CHECK(client.got().starts_with("HTTP/1.1 204 "));
  ear.leaves = true;
  client.send(post + "two");
  CHECK(rig.run_until([&] {
    client.poll();
    return client.closed();
  }));
  CHECK(ear.messages == std::vector<std::string>{"one", "two"});
}

TEST_CASE("a real file that is no tty is refused, and not touched") {
  RealPortsRig rig;
  const std::string file = rig.serial.directory() + "/file";
  std::ofstream(file) << "precious";
  CHECK(refusal(rig, file) == Errc::kInvalid);
  CHECK(refusal(rig, "/dev/null") == Errc::kInvalid);
  CHECK(std::filesystem::file_size(file) == 8);
}

TEST_CASE("a pty has no lines to reset a board with") {
  RealPortsRig rig;
  rig.serial.plug();
  Talk talk(rig, rig.serial.address());
  const auto reset = talk.port->reset_board();
  REQUIRE_FALSE(reset.has_value());
  CHECK(reset.error().code == Errc::kInvalid);
}

TEST_CASE("a process that has a real port open is named, though it locks nothing") {
  RealPortsRig rig;
  rig.serial.plug();
  rt::ProcessSpawner spawner(rig.loop);
  std::string said;
  const std::string script = "exec 3<>'" + rig.serial.address() + "'; echo up; exec sleep 1000";
  rt::SpawnOptions options;
  options.argv = {"sh", "-c", script};
  auto child =
      spawner.spawn(options, {.on_stdout = [&](const std::string& bytes) { said += bytes; },
                              .on_stderr = [](const std::string&) {},
                              .on_exit = [](rt::ExitStatus) {}});
  REQUIRE(child.has_value());
  REQUIRE(rig.run_until([&] { return said == "up\n"; }));
  // The shell has become another program by then, or not yet.
  const auto opened = open_port(rig, rig.serial.address());
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::kBusy);
  CHECK(opened.error().message.find("(pid ") != std::string::npos);
  child->reset();
  std::optional<Opening> free;
  const auto address = parse_port_address(rig.serial.address());
  REQUIRE(address.has_value());
  CHECK(rig.run_until([&] {  // a killed process closes its files a little later
    if (free && free->has_value()) return true;
    rig.ports->open(*address, {}, [&](Opening opening) { free.emplace(std::move(opening)); });
    return false;
  }));
}

TEST_CASE("the owner of a device is found by the device, not by its name") {
  const TempDirectory proc;
  const auto add = [&](const std::string& pid, const std::string& name, const std::string& open) {
    std::filesystem::create_directories(proc.file(pid + "/fd"));
    std::ofstream(proc.file(pid + "/comm")) << name << "\n";
    std::filesystem::create_symlink(open, proc.file(pid + "/fd/5"));
  };
  add("999999991", "other", "/dev/zero");
  add("self", "no number", "/dev/null");
  CHECK_FALSE(bridge::find_port_owner("/dev/null", proc.path()).has_value());
  add("999999992", "minicom", "/dev/null");
  const std::string link = proc.file("link");
  std::filesystem::create_symlink("/dev/null", link);
  const auto owner = bridge::find_port_owner(link, proc.path());
  REQUIRE(owner.has_value());
  CHECK(owner->pid == 999999992);
  CHECK(bridge::name_port_owner(owner) == "minicom (pid 999999992)");
  CHECK(bridge::name_port_owner(std::nullopt) == "another user's process");
  CHECK_FALSE(bridge::find_port_owner(proc.file("nothing"), proc.path()).has_value());
}

/// The part of sysfs that tells of serial ports.
class DeviceTree {
 public:
  DeviceTree() { trees_.sys = directory_.file("sys"), trees_.dev = directory_.file("dev"); }
  [[nodiscard]] const bridge::DeviceTrees& trees() const { return trees_; }
  [[nodiscard]] std::string dev(const std::string& name) const { return trees_.dev + "/" + name; }

  void add_usb(const std::string& tty, const std::string& bus, const std::string& product,
               const std::string& serial) {
    const std::string device = trees_.sys + "/devices/" + bus;
    write(device + "/idVendor", "2341\n");
    write(device + "/idProduct", product + "\n");
    if (!serial.empty()) write(device + "/serial", serial + "\n");
    const std::string interface = device + "/" + bus + ":1.0";
    add_tty(tty, interface);
  }
  void add_chip(const std::string& tty, const std::string& type) {
    add_tty(tty, trees_.sys + "/devices/platform");
    write(trees_.sys + "/class/tty/" + tty + "/type", type + "\n");
  }
  void add_terminal(const std::string& tty) {
    std::filesystem::create_directories(trees_.sys + "/class/tty/" + tty);
  }
  void link_by_id(const std::string& name, const std::string& tty) {
    std::filesystem::create_directories(dev("serial/by-id"));
    std::filesystem::create_symlink("../../" + tty, dev("serial/by-id/" + name));
  }

 private:
  static void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  void add_tty(const std::string& tty, const std::string& device) {
    std::filesystem::create_directories(device);
    std::filesystem::create_directories(trees_.sys + "/class/tty/" + tty);
    std::filesystem::create_symlink(device, trees_.sys + "/class/tty/" + tty + "/device");
    if (!std::filesystem::exists(dev(tty))) write(dev(tty), "");
  }

  TempDirectory directory_;
  bridge::DeviceTrees trees_;
};

TEST_CASE("serial ports are listed with what is behind them, terminals and empty places are not") {
  DeviceTree tree;
  tree.add_usb("ttyUSB0", "1-2", "0042", "");
  tree.add_usb("ttyACM0", "1-1", "0043", "A\x01 1");
  tree.add_chip("ttyS0", "4");
  tree.add_chip("ttyS1", "0");
  tree.add_terminal("tty1");
  tree.link_by_id("usb-Arduino-if00", "ttyACM0");
  const auto ports = bridge::list_serial_ports(tree.trees());
  REQUIRE(ports.size() == 3);
  CHECK(ports[0].path == tree.dev("ttyACM0"));
  CHECK(ports[0].by_id == tree.dev("serial/by-id/usb-Arduino-if00"));
  REQUIRE(ports[0].usb.has_value());
  CHECK(ports[0].usb->vendor == 0x2341);
  CHECK(ports[0].usb->product == 0x43);
  CHECK(ports[0].usb->serial == "A? 1");
  CHECK(ports[1].path == tree.dev("ttyS0"));
  CHECK_FALSE(ports[1].usb.has_value());
  REQUIRE(ports[2].usb.has_value());
  CHECK(ports[2].usb->serial.empty());
  CHECK(ports[2].by_id.empty());
  const auto by_link =
      bridge::find_usb_identity(tree.dev("serial/by-id/usb-Arduino-if00"), tree.trees());
  REQUIRE(by_link.has_value());
  CHECK(by_link->product == 0x43);
  CHECK_FALSE(bridge::find_usb_identity(tree.dev("ttyS0"), tree.trees()).has_value());
  CHECK_FALSE(bridge::find_usb_identity(tree.dev("ttyUSB7"), tree.trees()).has_value());
}

TEST_CASE("a real port is opened by the USB device behind it") {
  RealPortsRig rig;
  DeviceTree tree;
  rig.serial.plug();
  std::filesystem::create_directories(tree.trees().dev);
  std::filesystem::create_symlink(rig.serial.address(), tree.dev("ttyUSB0"));
  tree.add_usb("ttyUSB0", "1-2", "0042", "A1");
  rig.ports = std::make_unique<bridge::RealPorts>(rig.loop, rig.clock, tree.trees());
  Talk talk(rig, "usb:2341:0042");
  CHECK(talk.port->name() == tree.dev("ttyUSB0"));
  rig.serial.feed("x");
  CHECK(rig.run_until([&] { return talk.data == "x"; }));
  CHECK(refusal(rig, "usb:2341:0042:A1") == Errc::kBusy);
  CHECK(refusal(rig, "usb:2341:0042:A2") == Errc::kNotFound);
  tree.add_usb("ttyUSB1", "1-3", "0042", "A2");
  CHECK(refusal(rig, "usb:2341:0042") == Errc::kInvalid);
}

TEST_CASE("a simulated port can be held, denied and reset, and its board goes on after a restart") {
  SimPortsRig rig;
  const std::string address = rig.serial.address();
  sim::SimBoard& board = rig.ports->plug(address);
  board.held_by = "minicom (pid 812)";
  CHECK(refusal(rig, address) == Errc::kBusy);
  board.held_by.clear();
  board.denied = "not in the group";
  CHECK(refusal(rig, address) == Errc::kDenied);
  board.denied.clear();
  std::string heard;
  int resets = 0;
  board.on_bytes = [&](const std::string& bytes) {
    heard += bytes;
    rig.ports->feed(address, "echo " + bytes);
  };
  board.on_reset = [&] { resets += 1; };
  Talk talk(rig, address);
  CHECK(board.baud == 115200);
  CHECK(talk.port->reset_board().has_value());
  talk.port->send("hello");
  CHECK(rig.run_until([&] { return talk.data == "echo hello"; }));
  CHECK(heard == "hello");
  CHECK(resets == 1);
  CHECK(board.resets == 1);
  CHECK(rig.ports->is_open(address));
  talk.port.reset();
  CHECK_FALSE(rig.ports->is_open(address));
  sim::SimLoop next(rig.world);
  sim::SimPorts after(next, *rig.ports);
  CHECK(&after.board(address) == &board);
  CHECK(board.opens == 1);
}

}  // namespace
}  // namespace fieldpost::test
