#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/http/write_routes.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::ApiWorld;

namespace {

const rt::HttpResponse& post(ApiWorld& world, const std::string& target, std::string body,
                             rt::HttpHeaders headers = {}) {
  return *world.ask("POST", target, std::move(headers), std::move(body)).response;
}

std::string zlib(const std::string& text) {
  std::string out(compressBound(static_cast<uLong>(text.size())), '\0');
  auto size = static_cast<uLongf>(out.size());
  const auto* in = reinterpret_cast<const Bytef*>(text.data());
  REQUIRE(compress(reinterpret_cast<Bytef*>(out.data()), &size, in,
                   static_cast<uLong>(text.size())) == Z_OK);
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("line protocol is stored for the node it names, or for http") {
  ApiWorld world;
  CHECK(post(world, "/write?db=x&precision=s", "cpu v=1 5\ncpu v=2i 6\n").status == 204);
  CHECK(post(world, "/api/v2/write?org=o&bucket=b&node=pump-1", "cpu v=1 5",
             {{"Idempotency-Key", "k1"}})
            .status == 204);
  REQUIRE(world.view.writes.size() == 2);
  CHECK(world.view.writes[0].node == "http");
  CHECK(world.view.writes[0].lines.lines_stored == 2);
  CHECK(world.view.writes[0].lines.columns[0].times[0] == 5'000'000'000);
  CHECK(world.view.writes[1].node == "pump-1");
  CHECK(world.view.writes[1].idempotency_key == "k1");
}

TEST_CASE("bad lines are named and the good ones stored") {
  ApiWorld world;
  const auto& answer = post(world, "/write", "cpu v=1 5\nnonsense\n");
  CHECK(answer.status == 400);
  CHECK(json::parse(answer.body).at("error") ==
        "partial write: line 2: missing fields: expected \"measurement[,tag=value...] "
        "field=value[,field=value...] [time]\"; stored=1 dropped=1");
  CHECK(world.view.writes.at(0).lines.lines_stored == 1);
  CHECK(post(world, "/write", "nonsense").status == 400);
  CHECK(post(world, "/write", "").status == 204);
  CHECK(world.view.writes.size() == 1);
}

TEST_CASE("a node's name that is none is refused") {
  ApiWorld world;
  const auto& answer = post(world, "/write?node=_coordinator", "cpu v=1 5");
  CHECK(answer.status == 400);
  CHECK(json::parse(answer.body).at("error") ==
        "parameter node: expected 1 to 63 of a-z, 0-9, _ and -, not beginning with _ or -");
  CHECK(world.view.writes.empty());
}

TEST_CASE("a store that cannot take a write says when to come again") {
  ApiWorld world;
  world.view.write_error = rt::Error{rt::Errc::kFull, "no space"};
  const auto& full = post(world, "/write", "cpu v=1 5");
  CHECK(full.status == 503);
  CHECK_FALSE(full.headers.get("Retry-After").empty());
  world.view.write_error = rt::Error{rt::Errc::kIo, "fsync failed"};
  CHECK(post(world, "/write", "cpu v=1 5").status == 500);
}

TEST_CASE("writes under way are bounded by what their bodies may unpack to") {
  ApiWorld world;
  const std::string packed(32 * 1024,
                           'x');  // unpacks to as much as a body may have, for all we know
  std::deque<test::FakeAnswer> many(kWritesBytesMax / wire::kInfluxBodyBytesMax + 1);
  for (auto& answer : many) {
    world.api->handle(test::make_request("POST", "/write", {{"Content-Encoding", "gzip"}}, packed),
                      test::make_responder(answer));
  }
  REQUIRE(many.back().response.has_value());
  CHECK(many.back().response->status == 503);
  CHECK(many.back().response->headers.get("Retry-After") == "1");
  world.settle();
  CHECK(many.front().response->status == 400);
  CHECK(post(world, "/write", "cpu v=1 5").status == 204);
}

TEST_CASE("a thousand small writes in one moment are all taken") {
  ApiWorld world;
  std::deque<test::FakeAnswer> many(1000);
  for (auto& answer : many) {
    world.api->handle(test::make_request("POST", "/write", {}, "cpu v=1 5"),
                      test::make_responder(answer));
  }
  for (int i = 0; i < 10; ++i) world.settle();
  CHECK(std::all_of(many.begin(), many.end(),
                    [](const auto& each) { return each.response->status == 204; }));
  CHECK(world.view.writes.size() == many.size());
}

TEST_CASE("writes that are done make room for others, whatever became of them") {
  ApiWorld world;
  std::string lines = zlib("cpu v=1 5\n");
  while (lines.size() < 32 * 1024) lines += zlib("\n");
  const rt::HttpHeaders packed{{"Content-Encoding", "gzip"}};
  constexpr std::size_t kFit = kWritesBytesMax / wire::kInfluxBodyBytesMax;
  for (std::size_t i = 0; i <= kFit; ++i) CHECK(post(world, "/write", lines, packed).status == 204);
  world.view.write_error = rt::Error{rt::Errc::kIo, "fsync failed"};
  for (std::size_t i = 0; i <= kFit; ++i) CHECK(post(world, "/write", lines, packed).status == 500);
}

TEST_CASE("InfluxDB's other endpoints answer") {
  ApiWorld world;
  CHECK(world.ask("GET", "/ping").response->status == 204);
  CHECK(world.ask("HEAD", "/ping").response->status == 204);
  CHECK(world.ask("GET", "/health").response->status == 200);
  CHECK(world.ask("POST", "/query", {}, "q=CREATE+DATABASE+x").response->status == 200);
  CHECK(world.ask("GET", "/query?q=SELECT+1").response->status == 400);
  CHECK(world.ask("GET", "/write").response->status == 405);
}
