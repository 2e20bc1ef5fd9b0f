#include "proto/wire/influx_http.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "agent/sources/http_write.h"
#include "proto/wire/gunzip.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace fieldpost;  // NOLINT

namespace {

// As JSON has it.
const std::string kNoFields =
    "missing fields: expected \\\"measurement[,tag=value...] field=value[,field=value...] "
    "[time]\\\"";

struct Answer final : rt::HttpResponder {
  std::optional<rt::HttpResponse> response;
  void respond(rt::HttpResponse answer) override {
    REQUIRE_FALSE(response.has_value());
    response = std::move(answer);
  }
  std::unique_ptr<rt::HttpStream> start_stream(int, rt::HttpHeaders,
                                               std::optional<std::uint64_t>) override {
    return nullptr;
  }
};

std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Door {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  std::optional<agent::HttpWrite> source{agent::LinePorts{loop, clock, worker, intake}};

  std::shared_ptr<Answer> send(const std::string& method, const std::string& target,
                               std::string body = {}, rt::HttpHeaders headers = {}) {
    const auto answer = std::make_shared<Answer>();
    source->handle({.method = method,
                    .target = rt::parse_http_target(target).value(),
                    .headers = std::move(headers),
                    .body = std::move(body),
                    .peer = {}},
                   answer);
    return answer;
  }
  rt::HttpResponse exchange(const std::string& method, const std::string& target,
                            std::string body = {}, rt::HttpHeaders headers = {}) {
    const auto answer = send(method, target, std::move(body), std::move(headers));
    world.run_for(rt::Seconds{1});
    REQUIRE(answer->response.has_value());
    return *answer->response;
  }
};

}  // namespace

TEST_CASE("a write of either version is stored and answered 204") {
  Door door;
  CHECK(door.exchange("POST", "/write?db=x&rp=y&precision=s", "m v=1 5\n").status == 204);
  CHECK(door.exchange("POST", "/api/v2/write?org=o&bucket=b&precision=ms", "m v=2 6",
                      {{"Authorization", "Token any"}})
            .status == 204);
  CHECK(sim::readings_of(door.intake.durable) ==
        std::vector<std::string>{"m v f = 1 @5000000000", "m v f = 2 @6000000"});
  CHECK(door.exchange("POST", "/write", "").status == 204);
  CHECK(door.source->health().readings == 2);
}

TEST_CASE("a write is answered only when it is on disk") {
  Door door;
  door.intake.answer_at_once = false;
  const auto answer = door.send("POST", "/write", "m v=1 5");
  door.world.run_for(rt::Seconds{10});
  CHECK_FALSE(answer->response.has_value());
  door.intake.answer();
  CHECK(answer->response.value().status == 204);
}

TEST_CASE("bad lines are named in the shape of the version, the good ones are stored") {
  Door door;
  const auto v1 = door.exchange("POST", "/write", "m v=1 1\nbad\nm v=2 2\n");
  CHECK(v1.status == 400);
  CHECK(v1.headers.get("content-type") == "application/json");
  CHECK(v1.body ==
        "{\"error\":\"partial write: line 2: " + kNoFields + "; stored=2 dropped=1\"}\n");
  const auto v2 = door.exchange("POST", "/api/v2/write", "bad\n");
  CHECK(v2.status == 400);
  CHECK(v2.body == "{\"code\":\"invalid\",\"message\":\"unable to parse: line 1: " + kNoFields +
                       "; stored=0 dropped=1\",\"line\":1}\n");
  std::string many, told = "{\"error\":\"unable to parse: ";
  for (int i = 1; i <= 30; ++i) many += "bad\n";
  for (int i = 1; i <= 10; ++i) told += "line " + std::to_string(i) + ": " + kNoFields + "; ";
  CHECK(door.exchange("POST", "/write", many).body == told + "stored=0 dropped=30\"}\n");
  CHECK(door.source->health().errors == 32);
}

TEST_CASE("gzip bodies are unpacked, also of several members") {
  Door door;
  const rt::HttpHeaders headers{{"Content-Encoding", "gzip"}};
  CHECK(door.exchange("POST", "/write", gzip("m v=1 1\n") + gzip("m v=2 2\n"), headers).status ==
        204);
  CHECK(door.intake.durable.at(0).readings == 2);
  CHECK(door.exchange("POST", "/write", "not gzip", headers).status == 400);
  const std::string packed = gzip(std::string(5000, '#'));
  CHECK(door.exchange("POST", "/write", packed.substr(0, packed.size() - 4), headers).status ==
        400);
  CHECK(door.exchange("POST", "/write", "", headers).status == 400);
  CHECK(door.exchange("POST", "/write", "x", {{"Content-Encoding", "br"}}).status == 415);
}

TEST_CASE("codings are named in any case") {
  Door door;
  const auto exchange = [&](const std::string& coding, const std::string& body) {
    return door.exchange("POST", "/write", body, {{"Content-Encoding", coding}}).status;
  };
  CHECK(exchange("GZIP", gzip("m v=1 1\n")) == 204);
  CHECK(exchange("Gzip", gzip("m v=2 2\n")) == 204);
  CHECK(exchange("Identity", "m v=3 3\n") == 204);
  CHECK(door.intake.durable.size() == 3);
}

TEST_CASE("a gzip bomb is refused") {
  Door door;
  const std::string bomb = gzip(std::string(wire::kInfluxBodyBytesMax + 1, '\n'));
  const rt::HttpHeaders headers{{"Content-Encoding", "gzip"}};
  CHECK(bomb.size() < 100'000);
  const auto v1 = door.exchange("POST", "/write", bomb, headers);
  CHECK(v1.status == 413);
  CHECK(v1.body == "{\"error\":\"a body may have 33554432 bytes after unpacking\"}\n");
  const auto v2 = door.exchange("POST", "/api/v2/write", bomb, headers);
  CHECK(v2.status == 413);
  CHECK(v2.body ==
        "{\"code\":\"request too large\",\"message\":\"a body may have 33554432 bytes after "
        "unpacking\"}\n");
  CHECK(wire::gunzip(gzip(std::string(1000, 'x')), 1000).value().size() == 1000);
  CHECK(wire::gunzip(gzip(std::string(1001, 'x')), 1000).error().code == rt::Errc::kFull);
}

TEST_CASE("full, busy and broken spools are told apart") {
  Door door;
  door.intake.answer_at_once = false;
  auto answer = door.send("POST", "/write", "m v=1 1");
  door.world.run_for(rt::Seconds{1});
  door.intake.refuse({rt::Errc::kFull, "spool is full"});
  CHECK(answer->response->status == 503);
  CHECK(answer->response->headers.get("Retry-After") == "30");
  CHECK(answer->response->body == "{\"error\":\"spool is full\"}\n");
  answer = door.send("POST", "/api/v2/write", "m v=1 1");
  door.world.run_for(rt::Seconds{1});
  door.intake.refuse({rt::Errc::kIo, "broken"});
  CHECK(answer->response->status == 500);
  CHECK(answer->response->body == "{\"code\":\"internal error\",\"message\":\"broken\"}\n");
  door.intake.busy = true;
  const auto busy = door.exchange("POST", "/api/v2/write", "m v=1 1");
  CHECK(busy.status == 503);
  CHECK(busy.headers.get("Retry-After") == "1");
  CHECK(busy.body == "{\"code\":\"unavailable\",\"message\":\"too many writes are waiting\"}\n");
}

TEST_CASE("writes over the bound of all bodies are refused, and settled ones make room") {
  Door door;
  door.intake.answer_at_once = false;
  const std::string body = "m v=1 1\n#" + std::string(wire::kInfluxBodyBytesMax - 9, 'x');
  const auto first = door.send("POST", "/write", body);
  const auto second = door.send("POST", "/write", body);
  CHECK(door.send("POST", "/write", "m v=1 1")->response.value().status == 503);
  door.world.run_for(rt::Seconds{1});
  door.intake.answer();
  CHECK(first->response.value().status == 204);
  const auto third = door.send("POST", "/write", "m v=1 1");
  CHECK_FALSE(third->response.has_value());
}

TEST_CASE("the idempotency key goes to the intake") {
  Door door;
  door.exchange("POST", "/write", "m v=1", {{"idempotency-key", "k 1"}});
  CHECK(door.intake.idempotency_keys == std::vector<std::string>{"k 1"});
  CHECK(door.exchange("POST", "/write", "m v=1", {{"Idempotency-Key", std::string(257, 'k')}})
            .status == 400);
}

TEST_CASE("wrong methods, precisions and paths are refused") {
  Door door;
  const auto get = door.exchange("GET", "/write");
  CHECK(get.status == 405);
  CHECK(get.headers.get("Allow") == "POST");
  CHECK(door.exchange("POST", "/write?precision=fortnight", "m v=1").status == 400);
  CHECK(door.exchange("GET", "/elsewhere").status == 404);
  CHECK(door.intake.durable.empty());
}

TEST_CASE("ping, health and the creation of databases are answered as clients expect") {
  Door door;
  const auto ping = door.exchange("GET", "/ping");
  CHECK(ping.status == 204);
  CHECK_FALSE(ping.headers.get("X-Influxdb-Version").empty());
  CHECK(door.exchange("GET", "/health").body.find("\"status\":\"pass\"") != std::string::npos);
  const std::string empty = "{\"results\":[{\"statement_id\":0}]}\n";
  CHECK(door.exchange("POST", "/query?q=CREATE%20DATABASE%20%22x%22").body == empty);
  CHECK(door.exchange("POST", "/query", "q=create+database+x").body == empty);
  CHECK(door.exchange("GET", "/query?q=SHOW+DATABASES").body == empty);
  CHECK(door.exchange("GET", "/query?q=SELECT+1").status == 400);
  CHECK(door.exchange("GET", "/query").status == 400);
  CHECK(door.exchange("DELETE", "/query?q=x").status == 405);
}

TEST_CASE("the door can go while a write is under way") {
  Door door;
  door.intake.answer_at_once = false;
  const auto stored = door.send("POST", "/write", "m v=1 1");
  door.world.run_for(rt::Seconds{1});
  const auto parsed = door.send("POST", "/write", "m v=1 1");
  door.source.reset();
  door.intake.answer();
  door.world.run_for(rt::Seconds{1});
  CHECK_FALSE(stored->response.has_value());
  CHECK_FALSE(parsed->response.has_value());
}
