#include "agent/sources/line_socket.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/fakes/fake_intake.h"
#include "tests/support/fakes/fake_streams.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using agent::LineConnection;
using agent::LineFeed;
using agent::LineSocket;

namespace {

const std::string kNoFields =
    "missing fields: expected \"measurement[,tag=value...] field=value[,field=value...] [time]\"";

struct Socket {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  sim::FakeStreams streams;
  std::unique_ptr<LineSocket> source =
      LineSocket::listen({loop, clock, worker, intake}, streams, {"/sock"}).value();

  std::shared_ptr<sim::FakePeer> connect() { return streams.connect("/sock"); }
  std::string exchange(sim::FakePeer& peer, std::string text) {
    peer.received.clear();
    peer.send(std::move(text));
    world.run_for(1s);
    return peer.received;
  }
};

std::string numbered_lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "m v=" + std::to_string(i) + " 7\n";
  return text;
}

}  // namespace

TEST_CASE("a batch is answered with the number of lines on disk") {
  Socket socket;
  const auto peer = socket.connect();
  CHECK(socket.exchange(*peer, "m,t=a v=1,w=2i 10\nm v=3 11\n\n") == "ok 2\n");
  CHECK(sim::readings_of(socket.intake.durable) ==
        std::vector<std::string>{"m,t=a v f = 1 @10", "m,t=a w i = 2i @10", "m v f = 3 @11"});
  CHECK(socket.exchange(*peer, "m v=1 1\r\n\r\n") == "ok 1\n");
  CHECK(socket.exchange(*peer, "\n") == "ok 0\n");
  CHECK(socket.exchange(*peer, "# only a remark\n\n") == "ok 0\n");
  CHECK(socket.source->health().readings == 4);
  CHECK(socket.source->health().errors == 0);
}

TEST_CASE("a line without a time is stamped on arrival") {
  Socket socket;
  const auto peer = socket.connect();
  const std::int64_t now = socket.clock.now().ns;
  CHECK(socket.exchange(*peer, "m v=1\n\n") == "ok 1\n");
  CHECK(socket.intake.durable.at(0).columns.at(0).times.at(0) == now);
}

TEST_CASE("the first bad line is named by its number in the batch, and the good ones are stored") {
  Socket socket;
  const auto peer = socket.connect();
  const std::string answer = socket.exchange(*peer, "m v=1 1\nbad\nm v=\nm v=2 2\n\nm v=3 3\n\n");
  CHECK(answer == "error 2: " + kNoFields + "\nok 2\nok 1\n");
  CHECK(socket.source->health().errors == 2);
  CHECK(socket.source->health().last_error == kNoFields);
}

TEST_CASE("a unit that a producer says holds on its connection, and only there") {
  Socket socket;
  const auto peer = socket.connect();
  const auto other = socket.connect();
  CHECK(socket.exchange(*peer, "#unit m v C\nm v=1 1\n\n") == "ok 1\n");
  CHECK(socket.exchange(*peer, "m v=2 2\n#unit m\n\n") ==
        "error 2: expected \"#unit measurement[,tag=value...] field unit\"\nok 1\n");
  CHECK(socket.exchange(*other, "m v=3 3\n\n") == "ok 1\n");
  CHECK(sim::readings_of(socket.intake.durable) ==
        std::vector<std::string>{"m v f C = 1 @1", "m v f C = 2 @2", "m v f = 3 @3"});
  CHECK(socket.source->health().errors == 1);
}

TEST_CASE("bytes may be cut anywhere") {
  Socket socket;
  const auto peer = socket.connect();
  for (const char c : std::string("m v=1 1\r\nbad\n\nm v=2 2\n\n")) {
    peer->send(std::string(1, c));
    socket.world.run_for(20ms);
  }
  CHECK(peer->received == "error 2: " + kNoFields + "\nok 1\nok 1\n");
}

TEST_CASE("a huge batch goes to the worker in pieces, with one answer and right line numbers") {
  Socket socket;
  const auto peer = socket.connect();
  constexpr std::size_t kLines = 100'000;
  const std::string text = numbered_lines(kLines) + "bad\n" + numbered_lines(10) + "\n";
  REQUIRE(text.size() > 3 * LineFeed::kPieceBytesMax);
  for (std::size_t at = 0; at < text.size(); at += 65'536) {
    CHECK(socket.world.run_until([&] { return peer->reading; }, 10s));
    peer->send(text.substr(at, 65'536));
  }
  socket.world.run_for(5s);
  CHECK(peer->received == "error 100001: " + kNoFields + "\nok 100010\n");
  CHECK(socket.intake.durable.size() > 3);
}

TEST_CASE("nothing is answered before it is on disk, and answers keep the order of batches") {
  Socket socket;
  socket.intake.answer_at_once = false;
  const auto peer = socket.connect();
  CHECK(socket.exchange(*peer, "m v=1 1\n\nbad\n\nm v=1 1\nm v=2 2\n\n").empty());
  REQUIRE(socket.intake.waiting.size() == 2);
  std::swap(socket.intake.waiting[0], socket.intake.waiting[1]);
  socket.intake.answer();
  CHECK(peer->received.empty());
  socket.intake.answer();
  CHECK(peer->received == "ok 1\nerror 1: " + kNoFields + "\nok 0\nok 2\n");
}

TEST_CASE("while the intake is busy nothing is offered, reading pauses, and nothing is lost") {
  Socket socket;
  socket.intake.busy = true;
  const auto peer = socket.connect();
  std::size_t sent = 0;
  const std::string lines = numbered_lines(5000);
  for (; peer->reading && sent < 1000; ++sent) {
    peer->send(lines);
    socket.world.run_for(20ms);
  }
  CHECK(sent * lines.size() < LineConnection::kHeldBytesMax + 2 * lines.size());
  CHECK(socket.intake.durable.empty());
  socket.intake.busy = false;
  socket.world.run_for(1s);
  CHECK(peer->reading);
  CHECK(socket.exchange(*peer, "\n") == "ok " + std::to_string(sent * 5000) + "\n");
}

TEST_CASE("a refused batch says why and what of it was stored") {
  Socket socket;
  socket.intake.answer_at_once = false;
  const auto peer = socket.connect();
  socket.exchange(*peer, "m v=1 1\n\n");
  socket.intake.refuse({rt::Errc::kFull, "1073741824 bytes are held"});
  CHECK(peer->received == "error 0: spool is full: 1073741824 bytes are held\nok 0\n");
  socket.exchange(*peer, "m v=1 1\n\n");
  socket.intake.refuse({rt::Errc::kIo, "writing the spool:\nbroken"});
  CHECK(peer->received == "error 0: writing the spool: broken\nok 0\n");
  socket.exchange(*peer, "m v=1 1\n\n");
  socket.intake.refuse({rt::Errc::kBusy, "too much is waiting"});
  CHECK(peer->received == "error 0: busy, send it again: too much is waiting\nok 0\n");
  CHECK(socket.source->health().readings == 0);
  CHECK(socket.source->health().errors == 3);
}

TEST_CASE("a line that is too long is an error and the end of the connection") {
  Socket socket;
  const auto peer = socket.connect();
  const std::string answer =
      socket.exchange(*peer, "m v=1 1\nm s=\"" + std::string(LineFeed::kLineBytesMax, 'x'));
  CHECK(answer == "error 2: longer than 73728 bytes\nok 1\n");
  CHECK(peer->closing);
  CHECK(peer->closed_by_us);
  CHECK(socket.source->connections() == 0);
}

TEST_CASE("complete lines without an end of batch are accepted when the connection closes") {
  Socket socket;
  const auto peer = socket.connect();
  peer->send("m v=1 1\nm v=12");
  peer->close();
  socket.world.run_for(1s);
  CHECK(sim::readings_of(socket.intake.durable) == std::vector<std::string>{"m v f = 1 @1"});
  CHECK(peer->received.empty());
  CHECK(socket.source->health().last_error == "a connection closed in the middle of a line");
  CHECK(socket.source->connections() == 0);
}

TEST_CASE("whoever only stops sending gets the answers to all batches, also to the last one") {
  Socket socket;
  socket.intake.answer_at_once = false;
  const auto peer = socket.connect();
  peer->send("m v=1 1\n\nm v=2 2\nm v=3 3\n");
  peer->end();
  socket.world.run_for(1s);
  CHECK(peer->received.empty());
  CHECK_FALSE(peer->closing);
  socket.intake.answer();
  socket.intake.answer();
  socket.world.run_for(1s);
  CHECK(peer->received == "ok 1\nok 2\n");
  CHECK(peer->closing);
  CHECK(peer->closed_by_us);
}

TEST_CASE("a last line without its line feed is dropped, and the answer says so") {
  Socket socket;
  const auto peer = socket.connect();
  peer->send("m v=1 1\nm v=12");
  peer->end();
  socket.world.run_for(1s);
  CHECK(peer->received == "error 2: a connection closed in the middle of a line\nok 1\n");
  CHECK(socket.source->health().errors == 1);
}

TEST_CASE("an end with nothing before it is answered by closing") {
  Socket socket;
  const auto peer = socket.connect();
  peer->end();
  socket.world.run_for(1s);
  CHECK(peer->received.empty());
  CHECK(peer->closed_by_us);
}

TEST_CASE("a reader that does not read its answers is not read from") {
  Socket socket;
  const auto peer = socket.connect();
  peer->unsent = LineConnection::kAnswerBytesMax + 1;
  CHECK(socket.exchange(*peer, "m v=1 1\n\n") == "ok 1\n");
  CHECK_FALSE(peer->reading);
  CHECK(socket.exchange(*peer, "m v=2 2\n\n").empty());
  peer->unsent = 0;
  socket.world.run_for(1s);
  CHECK(peer->reading);
  CHECK(peer->received == "ok 1\n");
}

TEST_CASE("a flood of empty lines is answered in bounded steps") {
  Socket socket;
  const auto peer = socket.connect();
  peer->send(std::string(100'000, '\n'));
  socket.world.run_for(10s);
  CHECK(peer->received.size() == 500'000);
}

TEST_CASE("connections over the bound are told so and closed") {
  Socket socket;
  std::vector<std::shared_ptr<sim::FakePeer>> peers;
  for (std::size_t i = 0; i < LineSocket::kConnectionsMax; ++i) peers.push_back(socket.connect());
  const auto refused = socket.connect();
  CHECK(refused->received == "error 0: too many connections, 64 are open\n");
  CHECK(refused->closing);
  for (std::size_t i = 0; i < 2 * LineSocket::kRefusedMax; ++i) {
    peers.push_back(socket.connect());
    peers.back()->unsent = 10;
  }
  CHECK(peers.back()->closed_by_us);
  CHECK(peers.back()->received.empty());
  socket.world.run_for(20s);
  CHECK(refused->closed_by_us);
  CHECK(socket.source->connections() == LineSocket::kConnectionsMax);
  peers.front()->close();
  socket.world.run_for(1s);
  CHECK(socket.exchange(*socket.connect(), "m v=1 1\n\n") == "ok 1\n");
}

TEST_CASE("the socket can go while work is under way") {
  Socket socket;
  socket.intake.answer_at_once = false;
  const auto peer = socket.connect();
  socket.exchange(*peer, "m v=1 1\n\n");
  peer->send("m v=2 2\n\n");
  socket.source.reset();
  socket.intake.answer();
  socket.world.run_for(1s);
  CHECK(peer->closed_by_us);
  CHECK(peer->received.empty());
  CHECK(socket.connect() == nullptr);
}

TEST_CASE("a socket in use is reported") {
  Socket socket;
  const auto second = LineSocket::listen({socket.loop, socket.clock, socket.worker, socket.intake},
                                         socket.streams, {"/sock"});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == rt::Errc::kBusy);
}
