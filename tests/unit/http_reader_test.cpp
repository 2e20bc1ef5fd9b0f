#include "proto/rt/http_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
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

/// Status and detail of what is refused; "200" for a whole request.
std::string answer_to(std::string_view bytes, HttpReadLimits limits = {}) {
  HttpReader reader(limits);
  const Step step = feed(reader, bytes, 4096);
  if (step != Step::kBad) return step == Step::kWhole ? "200" : "more is needed";
  return std::to_string(reader.problem().status) + " " + reader.problem().detail;
}

std::string no_http(const std::string& what) {
  return "400 this is not a request of HTTP/1.1: " + what;
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
  const std::vector<std::pair<std::string, std::string>> cases = {
      {get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
       no_http("bad Transfer-Encoding")},
      {get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), no_http("bad Content-Length")},
      {get("Content-Length: 3\r\nContent-Length: 4\r\n"), no_http("bad Content-Length")},
      {get("Content-Length: 3\r\nContent-Length: 3\r\n"),
       "400 expected one Content-Length or one Transfer-Encoding, not more"},
      {get("Content-Length: 3, 3\r\n"), "400 expected one number as Content-Length"},
      {get("Content-Length: +3\r\n"), no_http("bad Content-Length")},
      {get("Content-Length: -1\r\n"), no_http("bad Content-Length")},
      {get("Content-Length: 0x3\r\n"), no_http("bad Content-Length")},
      {get("Content-Length: 99999999999999999999\r\n"), no_http("bad Content-Length")},
      {get("Content-Length:\r\n"), no_http("bad Content-Length")},
      {get("Content-Length : 3\r\n"), no_http("bad field")},
      {get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       no_http("bad Transfer-Encoding")},
      {get("Transfer-Encoding: gzip, chunked\r\n"),
       "501 expected \"chunked\" as the only Transfer-Encoding"},
      {get("Transfer-Encoding: chunked, identity\r\n"),
       "501 expected \"chunked\" as the only Transfer-Encoding"},
      {get("Transfer-Encoding: xchunked\r\n"),
       "501 expected \"chunked\" as the only Transfer-Encoding"},
      {get("Transfer-Encoding: identity\r\n"),
       "501 expected \"chunked\" as the only Transfer-Encoding"},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400 HTTP/1.0 has no Transfer-Encoding"},
      {"GET / HTTP/1.1\r\n\r\n", "400 expected exactly one Host field"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400 expected exactly one Host field"},
      {"GET / HTTP/1.1\nHost: a\n\n", "400 expected HTTP/1.1 or HTTP/1.0"},
      {"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\nbad name: 1\r\n\r\n", no_http("bad field")},
  };
  for (const auto& [bytes, answer] : cases) {
    INFO("request ", bytes);
    CHECK(answer_to(bytes) == answer);
  }
}

TEST_CASE("a request line that is none is refused, and so is a target of another form") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
       "400 the request's target does not start with a slash"},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
       "400 the request's target does not start with a slash"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
       "400 the request's target does not start with a slash"},
      {"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
       "400 percent sign at 2 is not followed by two hex digits"},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "400 expected HTTP/1.1 or HTTP/1.0"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "400 expected HTTP/1.1 or HTTP/1.0"},
      {"GET / HTTX/1.1\r\nHost: a\r\n\r\n", "400 expected HTTP/1.1 or HTTP/1.0"},
      {"\x16\x03\x01\x02\x01\x01\xfc\x03\x03 a TLS hello\r\n\r\n", no_http("bad method")},
      {"GET /\r\n\r\n", no_http("bad target")},
      {get("Expect: tea\r\n"), "417 the only expectation understood is \"100-continue\""},
  };
  for (const auto& [bytes, answer] : cases) {
    INFO("request ", bytes);
    CHECK(answer_to(bytes) == answer);
  }
}

TEST_CASE("headers and bodies are bounded, the body before it is sent") {
  const HttpReadLimits limits{.header_bytes_max = 200, .body_bytes_max = 10};
  CHECK(answer_to(get(""), limits) == "200");
  CHECK(answer_to(get("X: " + std::string(200, 'x') + "\r\n"), limits) ==
        "431 the header is longer than 200 bytes");
  CHECK(answer_to("GET /" + std::string(40'000, 'x'), limits) ==
        "431 the header is longer than 200 bytes");
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", limits) ==
        "200");
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", limits) ==
        "413 the body is longer than 10 bytes");
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "6\r\n012345\r\n6\r\n012345\r\n",
                  limits) == "413 the body is longer than 10 bytes");
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "ffffffffffffffffff\r\n",
                  limits) == no_http("bad chunk"));
  CHECK(answer_to("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "1;" +
                      std::string(60'000, 'e'),
                  limits) == "431 the header is longer than 200 bytes");
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
