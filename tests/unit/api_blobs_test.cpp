// Bodies as the coordinator serves them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/http/byte_stream.h"
#include "coordinator/store/blob_path.h"
#include "tests/support/api_world.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

struct World : ApiWorld {
  /// A complete body.
  wire::BodyReference add_blob(const std::string& bytes, const std::string& type = "image/jpeg") {
    const wire::BodyReference body{wire::sha256(bytes), bytes.size(), type, "a b.jpg"};
    const std::string path = coordinator::blob_path("/blobs", body.hash);
    REQUIRE(files.make_directories(path.substr(0, path.rfind('/'))));
    REQUIRE(files.write_durably(path, bytes, 0640));
    store.execute(fmt::format("INSERT INTO blob VALUES (x'{}', {}, '{}', 0, 0)", body.hash.hex(),
                              body.size, type));
    return body;
  }
  /// A series of texts: (seconds, text)….
  coordinator::SeriesId add_texts(const std::vector<std::pair<std::int64_t, std::string>>& texts) {
    auto no = store.number("SELECT no FROM node WHERE id = 'a'");
    if (!no) no = store.add_node("a");
    wire::Column column;
    for (const auto& [seconds, text] : texts) {
      column.times.push_back(seconds * 1'000'000'000);
      column.values.push_back(column.strings.size());
      column.strings.push_back(text);
    }
    store.add(
        make_batch(*no, {1, ++seq}, make_set({"camera frame s"}), {{std::move(column)}, {}, {}}));
    return store.number("SELECT id FROM series WHERE key = 'camera frame s'").value();
  }
  FakeAnswer& get_blob(const wire::BodyReference& body, rt::HttpHeaders headers = {}) {
    return ask("GET", "/api/v1/blobs/" + body.hash.hex(), std::move(headers));
  }
  std::uint64_t seq = 0;
};

wire::BodyReference incomplete(const std::string& bytes) {
  return {wire::sha256(bytes), bytes.size(), "image/jpeg", ""};
}

}  // namespace

TEST_CASE("the bodies of a series are listed by time, those that are not complete as such") {
  World world;
  const auto whole = world.add_blob("whole"), part = incomplete("part");
  const auto id =
      world.add_texts({{1, wire::encode(part)}, {2, "a text"}, {3, wire::encode(whole)}});
  const json list = world.get(fmt::format("/api/v1/blobs?series={}", id));
  REQUIRE(list["items"].size() == 2);
  CHECK(list["items"][0] == json{{"time", "1970-01-01T00:00:01.000000000Z"},
                                 {"sha256", part.hash.hex()},
                                 {"size", 4},
                                 {"type", "image/jpeg"},
                                 {"name", nullptr},
                                 {"complete", false}});
  CHECK(list["items"][1]["complete"] == true);
  CHECK(list["items"][1]["name"] == "a b.jpg");
  CHECK(list["next_cursor"].is_null());
  const json page = world.get(fmt::format("/api/v1/blobs?series={}&limit=1", id));
  REQUIRE(page["items"].size() == 1);
  const std::string cursor = page["next_cursor"];
  const json rest =
      world.get(fmt::format("/api/v1/blobs?series={}&cursor={}&times=ns", id, cursor));
  REQUIRE(rest["items"].size() == 1);
  CHECK(rest["items"][0]["time"] == 3'000'000'000);
  CHECK(
      world.get(fmt::format("/api/v1/blobs?series={}&from=2&to=3000000000", id))["items"].size() ==
      1);
}

TEST_CASE("a body of which the size is another than its reading says is not complete") {
  World world;
  auto lying = world.add_blob("whole");
  lying.size += 1;
  const auto id = world.add_texts({{1, wire::encode(lying)}});
  CHECK(world.get(fmt::format("/api/v1/blobs?series={}", id))["items"][0]["complete"] == false);
}

TEST_CASE("a small body comes in one piece, with what keeps a browser from running it") {
  World world;
  const auto body = world.add_blob("bytes");
  const auto& answer = *world.get_blob(body).response;
  CHECK(answer.status == 200);
  CHECK(answer.body == "bytes");
  CHECK(answer.headers.get("Content-Type") == "image/jpeg");
  CHECK(answer.headers.get("ETag") == '"' + body.hash.hex() + '"');
  CHECK(answer.headers.get("X-Content-Type-Options") == "nosniff");
  CHECK(answer.headers.get("Content-Security-Policy") == "sandbox; default-src 'none'");
}

TEST_CASE("what a browser could run goes as text") {
  World world;
  for (const char* type : {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"}) {
    const auto body = world.add_blob(type, type);
    CHECK(world.get_blob(body).response->headers.get("Content-Type") ==
          "text/plain; charset=utf-8");
  }
}

TEST_CASE("a body that a client has already is not sent again") {
  World world;
  const auto body = world.add_blob("bytes");
  const std::string tag = '"' + body.hash.hex() + '"';
  const auto& same = *world.get_blob(body, {{"If-None-Match", "W/\"x\", " + tag}}).response;
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.headers.get("ETag") == tag);
  CHECK(world.get_blob(body, {{"If-None-Match", "\"x\""}}).response->status == 200);
}

TEST_CASE("one range of a body is answered, and what is none is passed over") {
  World world;
  const auto body = world.add_blob("0123456789");
  const auto range = [&](const char* field) -> rt::HttpResponse {
    return *world.get_blob(body, {{"Range", field}}).response;
  };
  CHECK(range("bytes=2-4").body == "234");
  CHECK(range("bytes=2-4").status == 206);
  CHECK(range("bytes=2-4").headers.get("Content-Range") == "bytes 2-4/10");
  CHECK(range("bytes=7-").body == "789");
  CHECK(range("bytes=-2").body == "89");
  CHECK(range("bytes=-20").body == "0123456789");
  CHECK(range("bytes=8-18446744073709551615").body == "89");
  CHECK(range("bytes=10-").status == 416);
  CHECK(range("bytes=10-").headers.get("Content-Range") == "bytes */10");
  CHECK(range("bytes=-0").status == 416);
  for (const char* field : {"bytes=4-2", "bytes=1-2,4-5", "lines=1-2", "bytes=x-", "bytes=-"}) {
    CHECK(range(field).status == 200);
  }
  CHECK(
      world.get_blob(body, {{"Range", "bytes=0-0"}, {"If-Range", "\"other\""}}).response->status ==
      200);
}

TEST_CASE("a large body is read as the client takes it") {
  World world;
  const std::string bytes = body_bytes(2 * coordinator::kServedPieceBytes + 5, 1);
  const auto body = world.add_blob(bytes);
  FakeAnswer& answer = world.get_blob(body);
  REQUIRE(answer.streaming);
  CHECK(answer.text.size() == coordinator::kServedPieceBytes);
  world.settle();
  CHECK(answer.text.size() == coordinator::kServedPieceBytes);
  answer.drain();
  world.settle();
  answer.drain();
  world.settle();
  CHECK(!answer.ended);
  answer.drain();
  CHECK(answer.ended);
  const bool same = answer.text == bytes;
  CHECK(same);
  CHECK(answer.stream_size == bytes.size());
  FakeAnswer& range = world.get_blob(body, {{"Range", "bytes=5-"}});
  CHECK(range.stream_status == 206);
  CHECK(range.stream_size == bytes.size() - 5);
  range.leave();
}

TEST_CASE("a body that has begun to come goes on while too many questions wait") {
  World world;
  const std::string bytes = body_bytes(2 * coordinator::kServedPieceBytes, 3);
  FakeAnswer& answer = world.get_blob(world.add_blob(bytes));
  REQUIRE(answer.streaming);
  int asked = 0;
  for (int i = 0; i < coordinator::kQuestionsMax; ++i) {
    world.desk->ask<bool>([](coordinator::ReadingQuery&) -> rt::Result<bool> { return true; },
                          [&asked](const rt::Result<bool>&) { asked += 1; });
  }
  answer.drain();
  world.settle();
  CHECK(asked == coordinator::kQuestionsMax);
  CHECK_FALSE(answer.cut);
  const bool same = answer.text == bytes;
  CHECK(same);
}

TEST_CASE("a body whose file is shorter than it was breaks the answer off") {
  World world;
  const std::string bytes = body_bytes(2 * coordinator::kServedPieceBytes, 1);
  const auto body = world.add_blob(bytes);
  REQUIRE(world.files.write_durably(coordinator::blob_path("/blobs", body.hash),
                                    bytes.substr(0, coordinator::kServedPieceBytes + 1), 0640));
  FakeAnswer& answer = world.get_blob(body);
  answer.drain();
  world.settle();
  CHECK(answer.cut);
  REQUIRE(world.files.remove(coordinator::blob_path("/blobs", body.hash)));
  CHECK(world.get_blob(body).response->status == 404);
}

TEST_CASE("a body that is not there, or not whole yet, is not found") {
  World world;
  CHECK(world.problem("/api/v1/blobs/" + wire::sha256("x").hex(), 404).find("no body") !=
        std::string::npos);
  world.store.execute(
      fmt::format("INSERT INTO body (node_no, hash, size, type, fragments, whole, changed_ns)"
                  " VALUES (1, x'{}', 9, 'a/b', 1, 0, 0)",
                  wire::sha256("y").hex()));
  CHECK(world.problem("/api/v1/blobs/" + wire::sha256("y").hex(), 404).find("not complete") !=
        std::string::npos);
  world.problem("/api/v1/blobs/abc", 404);
  world.problem("/api/v1/blobs", 400);
  world.problem("/api/v1/blobs?series=99", 404);
  world.problem("/api/v1/blobs/last?series=99", 404);
}

TEST_CASE("the last body of a series is the last one that is complete") {
  World world;
  const auto first = world.add_blob("first"), second = world.add_blob("second");
  const auto id = world.add_texts({{-2'000'000'000, wire::encode(first)},
                                   {1'000'000, wire::encode(second)},
                                   {2'000'000, wire::encode(incomplete("third"))},
                                   {2'000'001, "a text"}});
  const std::string target = fmt::format("/api/v1/blobs/last?series={}", id);
  FakeAnswer& answer = world.ask("GET", target);
  CHECK(answer.response->body == "second");
  CHECK(answer.response->headers.get("X-Reading-Time") == "1970-01-12T13:46:40.000000000Z");
  CHECK(answer.response->headers.get("Content-Disposition") ==
        "inline; filename*=UTF-8''a%20b.jpg");
  CHECK(answer.response->headers.get("Cache-Control") == "no-cache");
  world.store.execute("UPDATE blob SET missing = 1 WHERE hash = x'" + second.hash.hex() + "'");
  CHECK(world.ask("GET", target).response->body == "first");
  world.store.execute("UPDATE blob SET missing = 1");
  world.problem(target, 404);
  CHECK(world.ask("HEAD", target).response->status == 404);
}

TEST_CASE("HEAD tells size and tag of a body without reading it") {
  World world;
  const auto body = world.add_blob("bytes");
  REQUIRE(world.files.remove(coordinator::blob_path("/blobs", body.hash)));
  const FakeAnswer& head =
      world.ask("HEAD", "/api/v1/blobs/" + body.hash.hex(), {{"Range", "bytes=1-"}});
  CHECK(head.stream_status == 200);
  CHECK(head.stream_size == 5);
  CHECK(head.stream_headers.get("ETag") == '"' + body.hash.hex() + '"');
  CHECK(head.ended);
}

}  // namespace fieldpost::test
