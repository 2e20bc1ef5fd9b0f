#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "proto/rt/asio_http.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/system_clock.h"
#include "tests/support/raw_client.h"

using namespace fieldpost::rt;  // NOLINT
using fieldpost::test::RawClient;

namespace {

constexpr Millis kPatience{10'000};

/// Answers "METHOD path body"; keeps what asks for /later, /stream or /six (bytes).
struct World {
  explicit World(HttpServerOptions options = {}) {
    auto listening = server.listen(options, [this](HttpRequest request, auto responder) {
      if (request.target.path == "/stream") {
        streams.push_back(responder->start_stream(200, {{"Content-Type", "text/plain"}}));
        streams.back()->on_closed([this] { streams_closed += 1; });
        return;
      }
      if (request.target.path == "/six") {
        streams.push_back(responder->start_stream(200, {{"Content-Type", "text/plain"}}, 6));
        return;
      }
      if (request.target.path == "/lost") return;
      if (request.target.path == "/later") {
        later.push_back(responder);
        return;
      }
      HttpResponse response;
      response.body = request.method + " " + request.target.path + " " + request.body;
      responder->respond(std::move(response));
    });
    REQUIRE(listening.has_value());
    listener = *std::move(listening);
  }

  bool run_until(const std::function<bool()>& condition) {
    return loop.run_until(condition, kPatience);
  }
  bool wait_for(RawClient& client, std::string_view text) {
    return run_until([&] {
      client.poll();
      return client.got().find(text) != std::string::npos;
    });
  }
  bool wait_for_end(RawClient& client) {
    return run_until([&] {
      client.poll();
      return client.closed();
    });
  }
  std::string ask(std::string_view bytes) {
    RawClient client(listener->address());
    client.send(bytes);
    CHECK(wait_for_end(client));
    return client.got();
  }

  RealLoop loop;
  SystemClock clock;
  AsioHttpServer server{loop, clock};
  std::unique_ptr<HttpListener> listener;
  std::deque<std::shared_ptr<HttpResponder>> later;
  std::deque<std::unique_ptr<HttpStream>> streams;
  int streams_closed = 0;
};

std::string get(std::string_view path, std::string_view fields = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

constexpr std::string_view kClose = "Connection: close\r\n";

/// Runs curl while the loop serves it; its standard output.
std::string curl(World& world, const std::string& arguments) {
  std::string out;
  bool done = false;
  std::thread thread([&] {
    std::FILE* pipe = ::popen(("curl -sS -m 10 " + arguments + " 2>&1").c_str(), "r");
    std::array<char, 4096> buffer{};
    std::string text;
    while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
      text.append(buffer.data(), size);
    }
    ::pclose(pipe);
    world.loop.post([&out, &done, text] { out = text, done = true; });
  });
  CHECK(world.run_until([&] { return done; }));
  thread.join();
  return out;
}

}  // namespace

TEST_CASE("curl gets, posts, heads and posts chunks over kept connections") {
  World world;
  const std::string url = "http://" + world.listener->address();
  CHECK(curl(world, url + "/a " + url + "/b") == "GET /a GET /b ");
  CHECK(world.listener->counters().connections == 1);
  CHECK(curl(world, "-d hello " + url + "/c") == "POST /c hello");
  CHECK(curl(world, "-H 'Transfer-Encoding: chunked' -d hello " + url + "/d") == "POST /d hello");
  CHECK(curl(world, "-H 'Expect: 100-continue' -d hello " + url + "/e") == "POST /e hello");
  CHECK(curl(world, "--http1.0 -d hello " + url + "/f") == "POST /f hello");
  const std::string head = curl(world, "-I " + url + "/g");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(curl(world, "-T /bin/ls -o /dev/null -w '%{http_code}' " + url + "/h") == "200");
}

TEST_CASE("pipelined requests are answered in order even when the first takes long") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/later") + get("/2") + get("/3", kClose));
  REQUIRE(world.run_until([&] { return world.later.size() == 1; }));
  HttpResponse late;
  late.body = "late";
  world.later.front()->respond(late);
  REQUIRE(world.wait_for_end(client));
  const auto first = client.got().find("late");
  const auto second = client.got().find("GET /2");
  CHECK(first != std::string::npos);
  CHECK(second != std::string::npos);
  CHECK(first < second);
  CHECK(second < client.got().find("GET /3"));
}

TEST_CASE("a request that smuggles another is refused and its connection closed") {
  World world;
  const std::string got = world.ask(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(got.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(got.find("application/problem+json") != std::string::npos);
  CHECK(got.find("smuggled") == std::string::npos);
  CHECK(world.listener->counters().requests == 0);
  CHECK(world.listener->counters().requests_bad == 1);
}

TEST_CASE("a body over the bound is refused before it is sent, and the client can read why") {
  World world({.body_bytes_max = 1000});
  const std::string big(900'000, 'x');
  const std::string got =
      world.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + big);
  CHECK(got.starts_with("HTTP/1.1 413 Content Too Large\r\n"));
  CHECK(got.find("longer than 1000 bytes") != std::string::npos);
  const std::string expecting = world.ask(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n"
      "Connection: close\r\n\r\n");
  CHECK(expecting.starts_with("HTTP/1.1 413"));
}

TEST_CASE("bodies in memory are bounded over all connections") {
  World world({.bodies_bytes_max = 1500});
  RawClient first(world.listener->address());
  first.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  REQUIRE(world.run_until([&] { return world.listener->counters().connections == 1; }));
  RawClient second(world.listener->address());
  second.send("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  REQUIRE(world.wait_for(second, "503 Service Unavailable"));
  CHECK(second.got().find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(world.listener->counters().bodies_refused == 1);
  first.send(std::string(1000, 'x'));
  CHECK(world.wait_for(first, "POST /1 xxx"));
  RawClient third(world.listener->address());
  third.send("POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" +
             std::string(1000, 'y'));
  CHECK(world.wait_for(third, "POST /3 yyy"));
}

TEST_CASE("a client that never ends its header is answered 408") {
  World world({.header_max = Millis{50}});
  RawClient client(world.listener->address());
  client.send("GET / HTTP/1.1\r\nHost: ");
  REQUIRE(world.wait_for_end(client));
  CHECK(client.got().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(world.listener->counters().requests_late == 1);
}

TEST_CASE("a client that never ends its body is answered 408") {
  World world({.body_grace = Millis{50}});
  const std::string got = world.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
  CHECK(got.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_CASE("an idle connection is closed without a word") {
  World world({.idle_max = Millis{50}});
  CHECK(world.ask("").empty());
  const std::string got = world.ask(get("/a"));
  CHECK(got.find("Connection: keep-alive") != std::string::npos);
}

TEST_CASE("connections over the bound are told so") {
  World world({.connections_max = 1});
  RawClient first(world.listener->address());
  REQUIRE(world.run_until([&] { return world.listener->counters().connections_open == 1; }));
  CHECK(world.ask(get("/a")).starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  CHECK(world.listener->counters().connections_refused == 1);
  first.send(get("/b"));
  CHECK(world.wait_for(first, "GET /b"));
}

TEST_CASE("a stream arrives in chunks as they are sent, and ends whole when it is dropped") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/stream"));
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  world.streams[0]->send("one");
  REQUIRE(world.wait_for(client, "3\r\none\r\n"));
  world.streams[0]->send("two");
  REQUIRE(world.wait_for(client, "3\r\ntwo\r\n"));
  world.streams.clear();
  REQUIRE(world.wait_for_end(client));
  CHECK(client.got().ends_with("3\r\ntwo\r\n0\r\n\r\n"));
  client.shut_down_sending();
  CHECK(world.run_until([&] { return world.listener->counters().streams_open == 0; }));
}

TEST_CASE("a stream of a known length tells it, and comes without chunks") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/six"));
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  world.streams[0]->send("one");
  CHECK(world.wait_for(client, "Content-Length: 6\r\nConnection: close\r\n\r\none"));
  world.streams[0]->send("two");
  world.streams.clear();
  CHECK(world.wait_for_end(client));
  CHECK(client.got().ends_with("\r\n\r\nonetwo"));
  const std::string before = client.got();
  CHECK(before.find("chunked") == std::string::npos);

  RawClient head(world.listener->address());
  head.send("HEAD /six HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  world.streams.clear();
  CHECK(world.wait_for_end(head));
  CHECK(head.got().ends_with("Content-Length: 6\r\nConnection: close\r\n\r\n"));
}

TEST_CASE("a stream that is cut ends without its last chunk") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/stream"));
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  world.streams[0]->send("one");
  REQUIRE(world.wait_for(client, "one"));
  world.streams[0]->cut();
  REQUIRE(world.wait_for_end(client));
  CHECK(client.got().ends_with("3\r\none\r\n"));
}

TEST_CASE("a stream hears that its client has gone") {
  World world;
  {
    RawClient client(world.listener->address());
    client.send(get("/stream"));
    REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  }
  CHECK(world.run_until([&] { return world.streams_closed == 1; }));
  CHECK(world.listener->counters().connections_open == 0);
}

TEST_CASE("a stream's reader that does not read is dropped at the bound and counted") {
  World world({.stream_unsent_bytes_max = 100'000});
  RawClient client(world.listener->address());
  client.send(get("/stream"));
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  const std::string event(50'000, 'e');
  std::size_t most = 0;
  for (int i = 0; i < 2000 && world.streams_closed == 0; ++i) {
    world.streams[0]->send(event);
    most = std::max(most, world.streams[0]->unsent());
    bool turned = false;
    world.loop.post([&] { turned = true; });
    REQUIRE(world.run_until([&] { return turned; }));
  }
  CHECK(world.streams_closed == 1);
  CHECK(most < 200'000);
  CHECK(world.listener->counters().readers_dropped == 1);
}

TEST_CASE("a drained stream asks for more, so a long answer is made as it is read") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/stream"));
  REQUIRE(world.run_until([&] { return world.streams.size() == 1; }));
  int pages = 0;
  world.streams[0]->on_drained([&] {
    if (++pages <= 100) return world.streams[0]->send(std::string(10'000, 'p'));
    world.streams.clear();
  });
  REQUIRE(world.wait_for_end(client));
  CHECK(pages == 101);
  CHECK(client.got().size() > 1'000'000);
  CHECK(client.got().ends_with("0\r\n\r\n"));
}

TEST_CASE("an answer that is not read is given up after a while") {
  World world({.write_stall_max = Millis{50}});
  RawClient client(world.listener->address());
  client.send(get("/later"));
  REQUIRE(world.run_until([&] { return world.later.size() == 1; }));
  HttpResponse huge;
  huge.body.assign(64 << 20, 'h');
  world.later.front()->respond(std::move(huge));
  CHECK(world.run_until([&] { return world.listener->counters().readers_dropped == 1; }));
  CHECK(world.listener->counters().connections_open == 0);
}

TEST_CASE("a request that its handler loses is answered 500") {
  World world;
  CHECK(world.ask(get("/lost", kClose)).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
}

TEST_CASE("a client that stops sending after its request still gets its answer") {
  World world;
  RawClient client(world.listener->address());
  client.send(get("/half"));
  client.shut_down_sending();
  REQUIRE(world.wait_for_end(client));
  CHECK(client.got().find("GET /half") != std::string::npos);
}

TEST_CASE("dropping the server closes its connections and a late answer goes nowhere") {
  World world;
  RawClient waiting(world.listener->address());
  waiting.send(get("/later"));
  RawClient streaming(world.listener->address());
  streaming.send(get("/stream"));
  REQUIRE(world.run_until([&] { return world.later.size() + world.streams.size() == 2; }));
  world.listener.reset();
  CHECK(world.streams_closed == 1);
  world.later.front()->respond({});
  world.streams.front()->send("nothing");
  waiting.poll();
  CHECK(waiting.closed());
}

TEST_CASE("an address that cannot be listened on is named in the error") {
  World world;
  const auto code_of = [&](const std::string& listen) {
    const auto listening = world.server.listen({.listen = listen}, [](auto, auto) {});
    return listening ? std::string("none") : std::string(to_string(listening.error().code));
  };
  CHECK(code_of(world.listener->address()) == to_string(Errc::kBusy));
  CHECK(code_of("nonsense") == to_string(Errc::kInvalid));
  CHECK(code_of("127.0.0.1:99999") == to_string(Errc::kInvalid));
  CHECK(code_of("192.0.2.1:0") == to_string(Errc::kInvalid));
  CHECK(code_of("localhost:0") == "none");
}
