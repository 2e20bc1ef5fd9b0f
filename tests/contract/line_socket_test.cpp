// The line socket with the producers that people use on real sockets: `nc -UN`, `socat`.
#include "agent/sources/line_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "proto/rt/fd_stream_real.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/unix_socket.h"
#include "tests/contract/rigs.h"
#include "tests/support/fakes/fake_intake.h"

namespace fieldpost::test {
namespace {

TEST_CASE("a producer that writes, stops sending and reads gets its answer on a real socket") {
  RealStreamsRig rig;
  rt::SystemClock clock;
  rt::ThreadWorker worker(rig.loop);
  sim::FakeIntake intake;
  const auto socket = agent::LineSocket::listen({rig.loop, clock, worker, intake}, rig.streams,
                                                {rig.path("agent.sock")});
  REQUIRE(socket.has_value());
  constexpr std::string_view kLines = "m v=1 1\nm v=2 2\n\nm v=3 3\n";
  auto fd = rt::connect_to(rig.path("agent.sock"));
  REQUIRE(fd.has_value());
  REQUIRE(::write(fd->get(), kLines.data(), kLines.size()) == static_cast<ssize_t>(kLines.size()));
  REQUIRE(::shutdown(fd->get(), SHUT_WR) == 0);
  std::string answer;
  bool closed = false;
  const auto client = rt::make_stream(rig.loop, std::move(*fd));
  client->start({.on_data = [&](const std::string& bytes) { answer += bytes; },
                 .on_closed = [&](const std::string&) { closed = true; }});
  CHECK(rig.run_until([&] { return closed && (*socket)->connections() == 0; }));
  CHECK(answer == "ok 2\nok 1\n");
}

}  // namespace
}  // namespace fieldpost::test
