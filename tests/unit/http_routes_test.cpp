#include "agent/sources/http_routes.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "tests/support/fakes/fake_http.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/replay_site.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace fieldpost;           // NOLINT
using namespace fieldpost::mapping;  // NOLINT

namespace {

HttpRoute make_route(const std::string& method, const std::string& rules) {
  HttpRoute route;
  route.method = method;
  route.rules = parse_rules(rules).value();
  route.node = "n1";
  return route;
}

const HttpRoute kDoor = make_route(
    "POST",
    R"({"path": "/door/{door}/event", "measurement": "door", "fields": {"open": "/open"}})");
const std::string kDoorSource = "http_route:POST /door/{door}/event";

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

/// The agent's routes over an intake that a test steers.
struct Door {
  explicit Door(const std::vector<HttpRoute>& configured = {kDoor})
      : routes(agent::HttpRoutes::make({loop, clock, worker, intake}, configured).value()),
        sources(routes->make_sources()) {}

  std::shared_ptr<test::FakeAnswer> send(const std::string& method, const std::string& target,
                                         std::string body = {}, rt::HttpHeaders headers = {}) {
    auto answer = std::make_shared<test::FakeAnswer>();
    auto request = test::make_request(method, target, std::move(headers), std::move(body));
    is_taken = routes->try_handle(request, test::make_responder(*answer));
    answers.push_back(answer);
    return answer;
  }
  rt::HttpResponse exchange(const std::string& method, const std::string& target,
                            std::string body = {}, rt::HttpHeaders headers = {}) {
    const auto answer = send(method, target, std::move(body), std::move(headers));
    world.run_for(rt::Seconds{1});
    REQUIRE(answer->response.has_value());
    return *answer->response;
  }
  rt::HttpResponse post(std::string body, rt::HttpHeaders headers = {}) {
    return exchange("POST", "/door/front/event", std::move(body), std::move(headers));
  }
  [[nodiscard]] agent::SourceHealth health() const { return sources.at(0)->health(); }
  /// Texts of the intake's readings of this measurement, with their tags.
  [[nodiscard]] std::vector<std::string> kept(const std::string& measurement) const {
    std::vector<std::string> out;
    for (const std::string& each : sim::readings_of(intake.durable)) {
      if (each.starts_with(measurement + ",")) out.push_back(each);
    }
    return out;
  }

  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  std::unique_ptr<agent::HttpRoutes> routes;
  std::vector<std::unique_ptr<agent::Source>> sources;
  std::vector<std::shared_ptr<test::FakeAnswer>> answers;
  bool is_taken = false;
};

std::string detail_of(const rt::HttpResponse& response) {
  CHECK(response.headers.get("Content-Type") == "application/problem+json");
  return nlohmann::json::parse(response.body).at("detail");
}

}  // namespace

TEST_CASE("a request that fits is stored and answered as the device wants") {
  HttpRoute chatty = kDoor;
  chatty.response_status = 200;
  chatty.response_body = "OK";
  Door door({chatty});
  const auto answer = door.post(R"({"open": true})");
  CHECK(answer.status == 200);
  CHECK(answer.body == "OK");
  CHECK(answer.headers.get("Content-Type") == "text/plain; charset=utf-8");
  REQUIRE(door.intake.durable.size() == 1);
  const auto readings = sim::readings_of(door.intake.durable);
  REQUIRE(readings.size() == 1);
  CHECK(readings[0].starts_with("door,door=front open b = true @"));
  CHECK(door.intake.sampled.empty());
  CHECK(door.health().name == kDoorSource);
  CHECK(door.health().readings == 1);
  CHECK(door.health().errors == 0);

  Door plain;
  CHECK(plain.post(R"({"open": true})").status == 204);
}

TEST_CASE("a request is answered only when it is on disk") {
  Door door;
  door.intake.answer_at_once = false;
  for (const char* body : {R"({"open": true})", "does not fit"}) {
    const auto answer = door.send("POST", "/door/front/event", body);
    door.world.run_for(rt::Seconds{10});
    CHECK_FALSE(answer->response.has_value());
    door.intake.answer();
    CHECK(answer->response.has_value());
  }
}

TEST_CASE("a request that does not fit is answered 400 and kept with its rules") {
  Door door;
  const auto answer = door.post(R"({"open": [1]})");
  CHECK(answer.status == 400);
  const std::string detail = detail_of(answer);
  CHECK(detail.starts_with("the value at \"/open\" is array, not a scalar. The request is kept"));
  CHECK(detail.find("fieldpost reprocess --node n1 --source "
                    "'http_route:POST /door/{door}/event' --from ") != std::string::npos);
  const auto raw = door.kept("fieldpost_raw");
  REQUIRE(raw.size() == 1);
  const std::string id = rules_id(encode_rules(kDoor.rules));
  const std::string tags = ",rules=" + id + ",source=http_route:POST\\ /door/{door}/event ";
  CHECK(raw[0].starts_with("fieldpost_raw" + tags +
                           "message s = \"{\"topic\":\"/door/front/event\"}\n{\"open\": [1]}\" @"));
  const auto rules = door.kept("fieldpost_rules");
  REQUIRE(rules.size() == 1);
  CHECK(rules[0].starts_with("fieldpost_rules" + tags + "text s = \"" + encode_rules(kDoor.rules) +
                             "\" @"));
  CHECK(door.intake.durable.size() == 1);
  CHECK(door.health().readings == 0);
  CHECK(door.health().errors == 1);
  CHECK(door.health().last_error == "the value at \"/open\" is array, not a scalar");
}

TEST_CASE("the whole request is kept: path, parameters, and a body of any bytes") {
  Door door({make_route("PUT", R"({"path": "/a/{b}", "body": "query", "measurement": "m",
                                   "fields": {"v": "v"}})")});
  CHECK(door.exchange("PUT", "/a/x%20y?w=1%262", std::string("\xff\0", 2)).status == 400);
  const auto lines = door.intake.durable.at(0);
  const auto at = std::ranges::find_if(
      lines.keys, [](const std::string& key) { return key.starts_with("fieldpost_raw"); });
  REQUIRE(at != lines.keys.end());
  const auto& column = lines.columns.at(static_cast<std::size_t>(at - lines.keys.begin()));
  CHECK(decode_raw(column.strings.at(0)).value() ==
        RawMessage{"/a/x%20y?w=1%262", std::string("\xff\0", 2), false});
}

TEST_CASE("with keep_raw every request is kept beside its readings") {
  HttpRoute route = kDoor;
  route.keep_raw = true;
  Door door({route});
  CHECK(door.post(R"({"open": true})").status == 204);
  CHECK(door.kept("fieldpost_raw").size() == 1);
  CHECK(door.kept("door").size() == 1);
  CHECK(door.health().readings == 1);
  const wire::ParsedLines& lines = door.intake.durable.at(0);
  CHECK(lines.readings == 3);
  CHECK(lines.readings_stamped == 3);
}

TEST_CASE("the rules go along with the first request that is kept, and then once an hour") {
  Door door;
  const auto told = [&] { return door.kept("fieldpost_rules").size(); };
  CHECK(door.post(R"({"open": true})").status == 204);
  CHECK(told() == 0);
  door.post("x");
  door.post("x");
  CHECK(told() == 1);
  for (int i = 0; i < 2; ++i) {  // those in between do not put it off
    door.world.run_for(std::chrono::minutes(40));
    door.post("x");
    CHECK(told() == (i == 0 ? 1 : 2));
  }
  // Whether a write with a known key brought its rules, nobody can tell.
  door.world.run_for(std::chrono::minutes(61));
  door.post("x", {{"Idempotency-Key", "1"}});
  door.post("x", {{"Idempotency-Key", "2"}});
  CHECK(told() == 4);
}

TEST_CASE("rules that were not stored are told again") {
  Door door;
  door.intake.answer_at_once = false;
  const auto refused = door.send("POST", "/door/front/event", "x");
  door.world.run_for(rt::Seconds{1});
  door.intake.refuse({rt::Errc::kFull, "spool is full"});
  CHECK(refused->response->status == 503);
  door.intake.answer_at_once = true;
  door.post("x");
  CHECK(door.kept("fieldpost_rules").size() == 1);
}

TEST_CASE("an intake that takes nothing is told as such, of what fits and of what does not") {
  Door door;
  door.intake.answer_at_once = false;
  for (const char* body : {R"({"open": true})", "does not fit"}) {
    INFO("body ", body);
    const auto refuse = [&](rt::Errc code) {
      const auto answer = door.send("POST", "/door/front/event", body);
      door.world.run_for(rt::Seconds{1});
      door.intake.refuse({code, "the disk says no"});
      REQUIRE(answer->response.has_value());
      return *answer->response;
    };
    const auto full = refuse(rt::Errc::kFull);
    CHECK(full.status == 503);
    CHECK(full.headers.get("Retry-After") == "30");
    CHECK(detail_of(full) == "the disk says no");
    CHECK(refuse(rt::Errc::kBusy).headers.get("Retry-After") == "1");
    CHECK(refuse(rt::Errc::kIo).status == 500);
  }
  CHECK(door.health().errors == 6);
  CHECK(door.health().last_error == "the disk says no");
  CHECK(door.health().readings == 0);
}

TEST_CASE("a request that could not be kept is refused by its size, whether it fits or not") {
  Door door;
  const std::string head = "{\"topic\":\"/door/front/event\"}\n";
  const auto padded = [&](std::size_t bytes) {
    const std::string body = R"({"open": true})";
    return body + std::string(bytes - body.size(), ' ');
  };
  CHECK(door.post(padded(kRawTextBytesMax - head.size())).status == 204);
  const auto large = door.post(padded(kRawTextBytesMax - head.size() + 1));
  CHECK(large.status == 413);
  CHECK(detail_of(large).starts_with("a request may have 65536 bytes"));
  CHECK(door.post(std::string(kRawTextBytesMax - 100, '\xff')).status == 413);
  const auto packed = door.post(gzip(padded(2 * kRawTextBytesMax)), {{"Content-Encoding", "gzip"}});
  CHECK(packed.status == 413);
  CHECK(detail_of(packed) == detail_of(large));
  const auto at_once = door.send("POST", "/door/front/event", padded(kRawTextBytesMax + 1));
  CHECK(at_once->response.value().status == 413);
  CHECK(door.kept("fieldpost_raw").empty());
  CHECK(door.health().errors == 4);
}

TEST_CASE("gzip bodies are unpacked, and kept unpacked") {
  Door door;
  const rt::HttpHeaders packed{{"Content-Encoding", "GZip"}};
  CHECK(door.post(gzip(R"({"open": true})"), packed).status == 204);
  CHECK(door.post(gzip("does not fit"), packed).status == 400);
  CHECK(door.kept("fieldpost_raw").at(0).find("}\ndoes not fit\"") != std::string::npos);
  const auto broken = door.post("not gzip", packed);
  CHECK(broken.status == 400);
  CHECK(detail_of(broken).ends_with(". Nothing of the request is kept"));
  CHECK(door.post("x", {{"Content-Encoding", "br"}}).status == 415);
  CHECK(door.post(R"({"open": true})", {{"Content-Encoding", "identity"}}).status == 204);
  CHECK(door.kept("fieldpost_raw").size() == 1);
}

TEST_CASE("the answer under an idempotency key is that of the first time") {
  Door door;
  const rt::HttpHeaders key{{"Idempotency-Key", "k 1"}};
  CHECK(door.post(R"({"open": true})", key).status == 204);
  CHECK(door.post("does not fit", key).status == 400);
  CHECK(door.intake.idempotency_keys == std::vector<std::string>{"k 1", "k 1"});
  CHECK(door.intake.durable.at(0).lines_stored == 1);
  CHECK(door.intake.durable.at(1).lines_stored == 0);
  // The intake knows the key and says what it stored then: by other rules, before a restart.
  door.intake.answer_at_once = false;
  const auto ask = [&](const char* body, std::size_t lines_then) {
    const auto answer = door.send("POST", "/door/front/event", body, key);
    door.world.run_for(rt::Seconds{1});
    door.intake.waiting.front().done(agent::Accepted{lines_then});
    door.intake.waiting.clear();
    return *answer->response;
  };
  CHECK(ask("does not fit", 1).status == 204);
  const auto kept = ask(R"({"open": true})", 0);
  CHECK(kept.status == 400);
  CHECK(detail_of(kept).starts_with("a request with the same Idempotency-Key did not fit"));
  CHECK(door.post("x", {{"Idempotency-Key", std::string(257, 'k')}}).status == 400);
}

TEST_CASE("requests under way are bounded over all routes, and settled ones make room") {
  Door door({kDoor, make_route("POST", R"({"path": "/b", "measurement": "m",
                                           "fields": {"v": "/v"}})")});
  door.intake.answer_at_once = false;
  for (int i = 0; i < RouteLoad::kRequestsMax; ++i) {
    door.send("POST", i % 2 == 0 ? "/door/a/event" : "/b", R"({"open": true, "v": 1})");
  }
  const auto more = door.send("POST", "/b", R"({"v": 1})");
  REQUIRE(more->response.has_value());
  CHECK(more->response->status == 503);
  CHECK(more->response->headers.get("Retry-After") == "1");
  door.world.run_for(rt::Seconds{10});
  CHECK(door.intake.waiting.size() == RouteLoad::kRequestsMax);
  door.intake.answer();
  const auto next = door.send("POST", "/b", R"({"v": 1})");
  CHECK_FALSE(next->response.has_value());
  while (!door.intake.waiting.empty()) door.intake.answer();
  door.world.run_for(rt::Seconds{10});
  door.intake.refuse({rt::Errc::kFull, "full"});
  door.intake.answer_at_once = true;
  const rt::HttpHeaders packed{{"Content-Encoding", "gzip"}};
  for (int i = 0; i <= RouteLoad::kRequestsMax; ++i) {  // none of these takes a place for good
    REQUIRE(door.exchange("POST", "/b", R"({"v": 1})").status == 204);
    REQUIRE(door.exchange("POST", "/b", "does not fit").status == 400);
    REQUIRE(door.exchange("POST", "/b", "not gzip", packed).status == 400);
  }
}

TEST_CASE("the first route that has path and method takes a request") {
  const auto route = [](const std::string& method, const std::string& path,
                        const std::string& measurement) {
    return make_route(method, R"({"body": "query", "fields": {"v": "v"}, "path": ")" + path +
                                  R"(", "measurement": ")" + measurement + R"("})");
  };
  Door door(
      {route("GET", "/a/{x}", "one"), route("GET", "/a/b", "two"), route("PUT", "/a/b", "three")});
  CHECK(door.exchange("GET", "/a/b?v=1").status == 204);
  CHECK(door.exchange("PUT", "/a/b?v=2").status == 204);
  CHECK(door.intake.durable.at(0).keys.at(0).starts_with("one,x=b "));
  CHECK(door.intake.durable.at(1).keys.at(0).starts_with("three "));
  const auto post = door.exchange("POST", "/a/b?v=1");
  CHECK(post.status == 405);
  CHECK(post.headers.get("Allow") == "GET, PUT");
  CHECK(door.exchange("HEAD", "/a/c").headers.get("Allow") == "GET");
  for (const char* other : {"/a", "/a/", "/a/b/c", "/write"}) {
    INFO("path ", other);
    const auto answer = door.send("GET", other);
    CHECK_FALSE(door.is_taken);
    CHECK_FALSE(answer->response.has_value());
  }
}

TEST_CASE("an empty batch is as good as one that is stored") {
  Door door;
  CHECK(door.post("[]").status == 204);
  CHECK(door.intake.durable.empty());
}

TEST_CASE("routes can go while a request is under way") {
  Door door;
  door.intake.answer_at_once = false;
  const auto stored = door.send("POST", "/door/a/event", R"({"open": true})");
  door.world.run_for(rt::Seconds{1});
  const auto mapped = door.send("POST", "/door/a/event", R"({"open": true})");
  door.routes.reset();
  door.sources.clear();
  door.intake.answer();
  door.world.run_for(rt::Seconds{1});
  CHECK_FALSE(stored->response.has_value());
  CHECK_FALSE(mapped->response.has_value());
}

TEST_CASE("requests that were kept become readings by rules that fit, each once") {
  const HttpRoute broken =
      make_route("POST", R"({"path": "/door/{door}", "body": "form", "measurement": "door",
                  "fields": {"battery": "bat"}, "types": {"battery": "i64"}})");
  const MappingRules mended =
      parse_rules(R"({"path": "/door/{door}", "body": "form", "measurement": "door",
                      "fields": {"battery": "bat"}})")
          .value();
  auto mapper = RouteMapper::make(broken).value();
  test::ReplaySite site;
  const auto take = [&](const std::string& body, rt::UnixTime at, bool tells_rules) {
    auto mapped = mapper.map({{"/door/front", {}}, body, false}, at, tells_rules).value();
    site.deliver(std::move(mapped.lines));
  };
  take("bat=3", test::kFirst, false);
  take("bat=2.9", test::kFirst + std::chrono::minutes(1), true);
  take("bat=2.8", test::kFirst + std::chrono::minutes(2), false);
  CHECK(site.readings() == "");  // of f64; the first one is an i64
  for (int i = 0; i < 2; ++i) {
    const auto replaced = site.replay(mended);
    CHECK(site.progress.messages == 2);
    CHECK(site.progress.unmapped == 0);
    CHECK(replaced.added == 2);
    CHECK(replaced.removed == (i == 0 ? 0 : 2));
    CHECK(site.readings() == "battery=2.9 battery=2.8");
  }
}
