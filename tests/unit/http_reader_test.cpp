#include "proto/rt/http_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>
#include <vector>

using namespace fieldpost::rt;  // NOLINT
using Step = HttpReader::Step;

namespace {

/// Feeds `bytes` in pieces of `piece`, and says where the reader stopped: kWhole, kBad, or
/// kNeedMore when the bytes ran out.
Step feed(HttpReader& reader, std::string_view bytes, std::size_t piece) {
  while (true) {
    const Step step = reader.step();
    if (step == Step::kWhole || step == Step::kBad) return step;
    if (step == Step::kHeader) continue;
    if (bytes.empty()) return step;
    const auto room = reader.prepare();
    const std::size_t size = std::min({piece, bytes.size(), room.size()});
    std::copy_n(bytes.begin(), size, room.begin());
    reader.commit(size);
    bytes.remove_prefix(size);
  }
}

int status_of(std::string_view bytes, HttpReadLimits limits = {}) {
  HttpReader reader(limits);
  const Step step = feed(reader, bytes, 4096);
  return step == Step::kBad ? reader.problem().status : step == Step::kWhole ? 200 : 0;
}

std::string get(std::string_view extra) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(extra) + "\r\n";
}

}  // namespace

TEST_CASE("a request is read alike however its bytes are cut") {
  const std::string bytes =
      "POST /write?db=a%20b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\ncpu \r\n3;ext=1\r\nv=1\r\n0\r\nTrailer: x\r\n\r\n";
  for (const std::size_t piece : {1u, 2u, 7u, 1000u}) {
    INFO("piece ", piece);
    HttpReader reader({});
    REQUIRE(feed(reader, bytes, piece) == Step::kWhole);
    const HttpRequest request = reader.take_request();
    CHECK(request.method == "POST");
    CHECK(request.target.path == "/write");
    CHECK(request.query("db") == "a b");
    CHECK(request.headers.get("host") == "a");
    CHECK(request.body == "cpu v=1");
    CHECK(reader.is_idle());
  }
}

TEST_CASE("pipelined requests come out one by one, with empty lines between them skipped") {
  HttpReader reader({});
  REQUIRE(feed(reader,
               "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nxy\r\n"
               "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
               4096) == Step::kWhole);
  CHECK(reader.take_request().body == "xy");
  CHECK_FALSE(reader.is_idle());
  REQUIRE(feed(reader, "", 1) == Step::kWhole);
  CHECK(reader.take_request().target.path == "/2");
  CHECK(reader.is_idle());
}

TEST_CASE("what two servers could read in two ways is refused") {
  const std::vector<std::pair<std::string, int>> cases = {
      {get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400},
      {get("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {get("Content-Length: 3\r\nContent-Length: 3\r\n"), 400},
      {get("Content-Length: 3, 3\r\n"), 400},
      {get("Content-Length: +3\r\n"), 400},
      {get("Content-Length: -1\r\n"), 400},
      {get("Content-Length: 0x3\r\n"), 400},
      {get("Content-Length: 99999999999999999999\r\n"), 400},
      {get("Content-Length:\r\n"), 400},
      {get("Content-Length : 3\r\n"), 400},
      {get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {get("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {get("Transfer-Encoding: chunked, identity\r\n"), 501},
      {get("Transfer-Encoding: xchunked\r\n"), 501},
      {get("Transfer-Encoding: identity\r\n"), 501},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\nbad name: 1\r\n\r\n", 400},
  };
  for (const auto& [bytes, status] : cases) {
    INFO("request ", bytes);
    CHECK(status_of(bytes) == status);
  }
}

TEST_CASE("a request line that is none is refused, and so is a target of another form") {
  const std::vector<std::pair<std::string, int>> cases = {
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {get("Expect: tea\r\n"), 417},
  };
  for (const auto& [bytes, status] : cases) {
    INFO("request ", bytes);
    CHECK(status_of(bytes) == status);
  }
}

TEST_CASE("headers and bodies are bounded, the body before it is sent") {
  const HttpReadLimits limits{.header_bytes_max = 200, .body_bytes_max = 10};
  CHECK(status_of(get(""), limits) == 200);
  CHECK(status_of(get("X: " + std::string(200, 'x') + "\r\n"), limits) == 431);
  CHECK(status_of("GET /" + std::string(40'000, 'x'), limits) == 431);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", limits) ==
        200);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", limits) == 413);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "6\r\n012345\r\n6\r\n012345\r\n",
                  limits) == 413);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "ffffffffffffffffff\r\n",
                  limits) == 400);
  CHECK(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1;" +
                      std::string(60'000, 'e'),
                  limits) == 431);
}

TEST_CASE("a client that waits for 100 Continue is known before its body") {
  HttpReader reader({});
  const std::string_view header =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  const auto room = reader.prepare();
  std::copy(header.begin(), header.end(), room.begin());
  reader.commit(header.size());
  REQUIRE(reader.step() == Step::kHeader);
  CHECK(reader.expects_continue());
  CHECK(reader.body_bytes() == 5);
  CHECK(reader.keeps_alive());
  CHECK(feed(reader, "hello", 2) == Step::kWhole);
}
