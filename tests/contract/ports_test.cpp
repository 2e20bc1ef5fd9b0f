#include "tests/contract/port_rigs.h"

namespace fieldpost::test {
namespace {

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

TEST_CASE_TEMPLATE("a connection has no speed", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  rig.tcp.plug();
  Talk talk(rig, rig.tcp.address());
  const auto baud = talk.port->set_baud(9600);
  REQUIRE_FALSE(baud.has_value());
  CHECK(baud.error().code == Errc::kInvalid);
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

TEST_CASE_TEMPLATE("each datagram is a message", Rig, RealPortsRig, SimPortsRig) {
  Rig rig;
  const Ear ear(rig, rig.udp_address());
  const std::string large(20'000, 'x');
  rig.send_datagram(*ear.listener, "one");
  rig.send_datagram(*ear.listener, large);
  rig.send_datagram(*ear.listener, std::string("\0\n", 2));
  CHECK(rig.run_until([&] { return ear.messages.size() == 3; }));
  CHECK(ear.messages == std::vector<std::string>{"one", large, std::string("\0\n", 2)});
  // Not only those that were there in the first turn.
  rig.send_datagram(*ear.listener, "later");
  CHECK(rig.run_until([&] { return ear.messages.size() == 4; }));
  CHECK(ear.messages.back() == "later");
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

TEST_CASE("a simulated port can be held and denied, and its board goes on after a restart") {
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
  board.on_bytes = [&](const std::string& bytes) {
    heard += bytes;
    rig.ports->feed(address, "echo " + bytes);
  };
  Talk talk(rig, address);
  CHECK(board.baud == 115200);
  talk.port->send("hello");
  CHECK(rig.run_until([&] { return talk.data == "echo hello"; }));
  CHECK(heard == "hello");
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
