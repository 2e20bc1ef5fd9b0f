#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "proto/rt/fd_stream_real.h"
#include "proto/rt/unix_socket.h"
#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

using rt::Errc;

/// A stream and all that came over it.
struct Talk {
  explicit Talk(std::unique_ptr<rt::Stream> over) : stream(std::move(over)) {
    stream->start({.on_data =
                       [this](std::string bytes) {
                         largest = std::max(largest, bytes.size());
                         data += bytes;
                       },
                   .on_closed =
                       [this](std::string reason) {
                         closed += 1;
                         why = std::move(reason);
                       }});
  }
  std::unique_ptr<rt::Stream> stream;
  std::string data;
  std::string why;
  std::size_t largest = 0;
  int closed = 0;
};

/// A socket file that nobody listens on any more.
void leave_behind(RealStreamsRig& /*rig*/, const std::string& path) {
  REQUIRE(rt::listen_at(path).has_value());
}
void leave_behind(SimStreamsRig& rig, const std::string& path) {
  rig.streams.leave_behind(path);
}

/// Two ends of one connection.
template <typename Rig>
struct Pair {
  explicit Pair(Rig& rig) {
    auto listening = rig.streams.listen_unix(rig.path("a.sock"), [this](auto stream) {
      server = std::make_unique<Talk>(std::move(stream));
    });
    REQUIRE(listening.has_value());
    listener = std::move(*listening);
    auto connected = rig.streams.connect_unix(rig.path("a.sock"));
    REQUIRE(connected.has_value());
    client = std::make_unique<Talk>(std::move(*connected));
    REQUIRE(rig.run_until([&] { return server != nullptr; }));
  }
  std::unique_ptr<rt::Listener> listener;
  std::unique_ptr<Talk> client, server;
};

TEST_CASE_TEMPLATE("bytes go both ways, in order, in chunks of a bounded size", Rig, RealStreamsRig,
                   SimStreamsRig) {
  Rig rig;
  Pair<Rig> pair(rig);
  CHECK(pair.listener->address() == rig.path("a.sock"));
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += std::to_string(i);
  pair.client->stream->send("hello ");
  pair.client->stream->send(large);
  pair.server->stream->send("welcome");
  CHECK(pair.client->data.empty());
  CHECK(rig.run_until([&] { return pair.server->data.size() == large.size() + 6; }));
  CHECK(pair.server->data == "hello " + large);
  CHECK(pair.server->largest <= 256 * 1024);
  CHECK(rig.run_until([&] { return pair.client->data == "welcome"; }));
  CHECK(pair.client->stream->unsent() == 0);
}

TEST_CASE_TEMPLATE("who does not read holds the sender up, and loses nothing", Rig, RealStreamsRig,
                   SimStreamsRig) {
  Rig rig;
  Pair<Rig> pair(rig);
  pair.server->stream->set_reading(false);
  pair.client->stream->send(std::string(4'000'000, 'x'));
  rig.run_for(rt::Millis{50});
  CHECK(pair.client->stream->unsent() > 1'000'000);
  CHECK(pair.server->data.empty());
  pair.server->stream->set_reading(true);
  CHECK(rig.run_until([&] { return pair.server->data.size() == 4'000'000; }));
  CHECK(pair.client->stream->unsent() == 0);
}

TEST_CASE_TEMPLATE("a dropped stream closes the other end, once, after what was sent", Rig,
                   RealStreamsRig, SimStreamsRig) {
  Rig rig;
  Pair<Rig> pair(rig);
  pair.client->stream->send("last words");
  CHECK(rig.run_until([&] { return pair.client->stream->unsent() == 0; }));
  pair.client->stream.reset();
  CHECK(rig.run_until([&] { return pair.server->closed == 1; }));
  CHECK(pair.server->data == "last words");
  CHECK(pair.server->why.empty());
  pair.server->stream->send("ignored");
  CHECK(pair.server->stream->unsent() == 0);
  rig.run_for(rt::Millis{5});
  CHECK(pair.server->closed == 1);
  CHECK(pair.client->closed == 0);
}

TEST_CASE_TEMPLATE("close_after_send sends first, then both ends are closed", Rig, RealStreamsRig,
                   SimStreamsRig) {
  Rig rig;
  Pair<Rig> pair(rig);
  pair.server->stream->send(std::string(2'000'000, 'x'));
  pair.server->stream->close_after_send();
  pair.server->stream->send("too late");
  CHECK(pair.server->closed == 0);
  CHECK(rig.run_until([&] { return pair.client->closed == 1 && pair.server->closed == 1; }));
  CHECK(pair.client->data.size() == 2'000'000);
}

TEST_CASE_TEMPLATE("a stream may be dropped by its own handler", Rig, RealStreamsRig,
                   SimStreamsRig) {
  Rig rig;
  std::unique_ptr<rt::Stream> server;
  bool got = false;
  const auto listener = rig.streams.listen_unix(rig.path("a.sock"), [&](auto stream) {
    server = std::move(stream);
    server->start({.on_data =
                       [&](const std::string&) {
                         server.reset();
                         got = true;
                       },
                   .on_closed = [](const std::string&) { FAIL("was dropped"); }});
  });
  Talk client(std::move(*rig.streams.connect_unix(rig.path("a.sock"))));
  client.stream->send("x");
  CHECK(rig.run_until([&] { return got && client.closed == 1; }));
}

TEST_CASE_TEMPLATE("an end that only stops sending can still be answered", Rig, RealStreamsRig,
                   SimStreamsRig) {
  Rig rig;
  std::unique_ptr<rt::Stream> server;
  int ended = 0;
  int closed = 0;
  const auto listener = rig.streams.listen_unix(rig.path("a.sock"), [&](auto stream) {
    server = std::move(stream);
    server->start({.on_data = [](const std::string&) {},
                   .on_closed = [&](const std::string&) { closed += 1; },
                   .on_end =
                       [&] {
                         ended += 1;
                         server->close_after_send();
                       }});
  });
  rig.streams.connect_unix(rig.path("a.sock"))->reset();
  CHECK(rig.run_until([&] { return closed == 1; }));
  CHECK(ended == 1);
}

TEST_CASE_TEMPLATE("a second listener is told that the place is taken, until the first is gone",
                   Rig, RealStreamsRig, SimStreamsRig) {
  Rig rig;
  const auto ignore = [](std::unique_ptr<rt::Stream>) {};
  auto first = rig.streams.listen_unix(rig.path("a.sock"), ignore);
  REQUIRE(first.has_value());
  CHECK(rig.streams.listen_unix(rig.path("a.sock"), ignore).error().code == Errc::kBusy);
  first->reset();
  CHECK(rig.streams.connect_unix(rig.path("a.sock")).error().code == Errc::kNotFound);
  CHECK(rig.streams.listen_unix(rig.path("a.sock"), ignore).has_value());
}

TEST_CASE_TEMPLATE("who connects is told whether there is no file or nobody behind it", Rig,
                   RealStreamsRig, SimStreamsRig) {
  Rig rig;
  const std::string path = rig.path("a.sock");
  CHECK(rig.streams.connect_unix(path).error().code == Errc::kNotFound);
  leave_behind(rig, path);
  CHECK(rig.streams.connect_unix(path).error().code == Errc::kUnavailable);
  std::unique_ptr<rt::Stream> server;
  const auto listener =
      rig.streams.listen_unix(path, [&](auto stream) { server = std::move(stream); });
  REQUIRE(listener.has_value());
  const auto client = rig.streams.connect_unix(path);
  CHECK(client.has_value());
  CHECK(rig.run_until([&] { return server != nullptr; }));
}

TEST_CASE("a real socket hangs up on users that may not connect") {
  RealStreamsRig rig;
  const unsigned me = ::geteuid();
  for (const bool admitted : {true, false}) {
    INFO("admitted: ", admitted);
    rt::RealStreams streams(rig.loop, rt::RealStreams::Users{admitted ? me : me + 1});
    int accepted = 0;
    const auto listener = streams.listen_unix(rig.path("a.sock"), [&](auto) { accepted += 1; });
    REQUIRE(listener.has_value());
    Talk client(std::move(*rig.streams.connect_unix(rig.path("a.sock"))));
    CHECK(rig.run_until([&] { return client.closed == 1; }));
    CHECK(accepted == (admitted ? 1 : 0));
  }
}

TEST_CASE("a real half-closed connection gets its answer") {
  RealStreamsRig rig;
  std::unique_ptr<rt::Stream> server;
  std::string asked;
  const auto listener = rig.streams.listen_unix(rig.path("a.sock"), [&](auto stream) {
    server = std::move(stream);
    server->start({.on_data = [&](const std::string& bytes) { asked += bytes; },
                   .on_closed = [](const std::string&) {},
                   .on_end =
                       [&] {
                         server->send("ok " + asked);
                         server->close_after_send();
                       }});
  });
  auto fd = rt::connect_to(rig.path("a.sock"));
  REQUIRE(fd.has_value());
  REQUIRE(::write(fd->get(), "2", 1) == 1);
  REQUIRE(::shutdown(fd->get(), SHUT_WR) == 0);
  Talk client(rt::make_stream(rig.loop, std::move(*fd)));
  CHECK(rig.run_until([&] { return client.closed == 1; }));
  CHECK(client.data == "ok 2");
}

TEST_CASE("a real socket has mode 0660, makes its parents, and leaves no file behind") {
  RealStreamsRig rig;
  const std::string path = rig.path("new/dir/a.sock");
  {
    const auto listener = rig.streams.listen_unix(path, [](std::unique_ptr<rt::Stream>) {});
    REQUIRE(listener.has_value());
    struct stat found {};
    REQUIRE(::lstat(path.c_str(), &found) == 0);
    CHECK(S_ISSOCK(found.st_mode));
    CHECK((found.st_mode & 0777) == 0660);
  }
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a real socket may be in the working directory") {
  RealStreamsRig rig;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(rig.directory.path());
  {
    const auto listener = rig.streams.listen_unix("a.sock", [](std::unique_ptr<rt::Stream>) {});
    CHECK(listener.has_value());
    CHECK(rig.streams.connect_unix(rig.path("a.sock")).has_value());
  }
  std::filesystem::current_path(before);
}

TEST_CASE("a stale socket file is taken over, another file is not touched") {
  RealStreamsRig rig;
  const auto ignore = [](std::unique_ptr<rt::Stream>) {};
  const std::string stale = rig.path("stale.sock");
  { const auto left_behind = rt::listen_at(stale); }  // closed, its file stays
  REQUIRE(::access(stale.c_str(), F_OK) == 0);
  CHECK(rig.streams.connect_unix(stale).error().code == Errc::kUnavailable);
  CHECK(rig.streams.listen_unix(stale, ignore).has_value());
  const std::string file = rig.path("file");
  std::ofstream(file) << "precious";
  CHECK(rig.streams.listen_unix(file, ignore).error().code == Errc::kInvalid);
  CHECK(::access(file.c_str(), F_OK) == 0);
  const std::string long_path = rig.path(std::string(200, 'x'));
  CHECK(rig.streams.listen_unix(long_path, ignore).error().code == Errc::kInvalid);
}

TEST_CASE("a listener that lost its place does not remove the file of the next") {
  RealStreamsRig rig;
  const auto ignore = [](std::unique_ptr<rt::Stream>) {};
  auto first = rig.streams.listen_unix(rig.path("a.sock"), ignore);
  REQUIRE(first.has_value());
  REQUIRE(::rename(rig.path("a.sock").c_str(), rig.path("b.sock").c_str()) == 0);
  const auto second = rig.streams.listen_unix(rig.path("a.sock"), ignore);
  REQUIRE(second.has_value());
  first->reset();
  CHECK(rig.streams.connect_unix(rig.path("a.sock")).has_value());
}

}  // namespace
}  // namespace fieldpost::test
