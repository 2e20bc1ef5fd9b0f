// HTTP requests that are wrong, to the real programs, with the exact answer each gets.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tests/support/plain_socket.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kWaitMost = 30s;

struct Row {
  std::string request;
  int status = 0;
  std::string body;
  std::string allow = {};
};

/// A request that is well formed as HTTP.
std::string request(const std::string& line, const std::string& body = {},
                    const std::string& headers = {}) {
  std::string out = line + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + headers;
  if (!line.starts_with("GET ")) out += fmt::format("Content-Length: {}\r\n", body.size());
  return out + "\r\n" + body;
}

std::string write(const std::string& lines, const std::string& headers = {}) {
  return request("POST /write", lines, headers);
}

/// An error as InfluxDB 1.x tells it.
std::string v1(const std::string& what) {
  return "{\"error\":" + nlohmann::json(what).dump() + "}\n";
}

/// An error as InfluxDB 2.x tells it.
std::string v2(const std::string& code, const std::string& what, int line = 0) {
  const std::string place = line == 0 ? "" : fmt::format(",\"line\":{}", line);
  return fmt::format("{{\"code\":\"{}\",\"message\":{}{}}}\n", code, nlohmann::json(what).dump(),
                     place);
}

Row problem(std::string request, int status, const std::string& title, const std::string& detail,
            std::string allow = {}) {
  return {std::move(request), status,
          fmt::format(R"({{"type":"about:blank","title":"{}","status":{},"detail":{}}})", title,
                      status, nlohmann::json(detail).dump()) +
              "\n",
          std::move(allow)};
}

Row bad(std::string request, const std::string& detail) {
  return problem(std::move(request), 400, "Bad Request", detail);
}

Row get(const std::string& target, const std::string& detail) {
  return bad(request("GET " + target), detail);
}

Row wrong_method(const std::string& line, const std::string& path, const std::string& allow) {
  return problem(request(line), 405, "Method Not Allowed", path + " takes " + allow, allow);
}

const std::string kNoFields =
    "missing fields: expected \"measurement[,tag=value...] field=value[,field=value...] [time]\"";
const std::string kNoValue = ": expected a number, a boolean or a string in double quotes";
const std::string kGzip = "Content-Encoding: gzip\r\n";
const std::string kDamaged = "unpacking gzip: the data is damaged or cut short";
/// "m v=1 1\n"
const std::string kPacked(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x55\x28\xb3\x35\x54\x30\xe4"
    "\x02\x00\xfc\xf6\xe9\x33\x08\x00\x00\x00",
    28);

/// What is no HTTP that both programs' server would take; refused before any route sees it.
std::vector<Row> broken_http() {
  const std::string not_http = "this is not a request of HTTP/1.1: ";
  return {
      bad("nonsense\r\n\r\n", not_http + "bad method"),
      bad("\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n\r\n", not_http + "bad method"),
      bad("GET /ping HTTP/1.1\r\n\r\n", "expected exactly one Host field"),
      bad("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "expected exactly one Host field"),
      bad("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "expected HTTP/1.1 or HTTP/1.0"),
      bad("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
          "percent sign at 2 is not followed by two hex digits"),
      bad("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
          "the request's target does not start with a slash"),
      bad("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
          not_http + "bad Content-Length"),
      bad("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
          "chunked\r\n\r\n",
          not_http + "bad Transfer-Encoding"),
      bad("POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          not_http + "bad chunk"),
      problem("POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501,
              "Not Implemented", "expected \"chunked\" as the only Transfer-Encoding"),
      problem("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 33554433\r\n\r\n", 413,
              "Content Too Large", "the body is longer than 33554432 bytes"),
      problem("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431,
              "Request Header Fields Too Large", "the header is longer than 16384 bytes"),
      problem("POST /write HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417,
              "Expectation Failed", "the only expectation understood is \"100-continue\""),
  };
}

/// Writes, which agent and coordinator answer alike.
std::vector<Row> bad_writes() {
  const std::string only =
      "only CREATE and SHOW are understood: read over /api/v1/readings instead";
  return {
      {write("nonsense\n"), 400,
       v1("unable to parse: line 1: " + kNoFields + "; stored=0 dropped=1")},
      {request("POST /write?precision=s", "m v=1 5\nm v=x\nm v=2 6\n"), 400,
       v1("partial write: line 2: field \"v\": \"x\"" + kNoValue + "; stored=2 dropped=1")},
      {request("POST /api/v2/write?org=o&bucket=b", "m v=1 5\nm v=x\n"), 400,
       v2("invalid",
          "partial write: line 2: field \"v\": \"x\"" + kNoValue + "; stored=1 dropped=1", 2)},
      {request("POST /api/v2/write", "m"), 400,
       v2("invalid", "unable to parse: line 1: " + kNoFields + "; stored=0 dropped=1", 1)},
      {write("m v=1 99999999999999999999"), 400,
       v1("unable to parse: line 1: time \"99999999999999999999\": outside the years 1678 to 2262; "
          "stored=0 dropped=1")},
      {request("POST /write?precision=s", "m v=1 9999999999999"), 400,
       v1("unable to parse: line 1: time \"9999999999999\": outside the years 1678 to 2262; "
          "stored=0 dropped=1")},
      {write("\xff v=1"), 400,
       v1("unable to parse: line 1: names must be UTF-8 without line breaks; stored=0 dropped=1")},
      {write("m v=\"a"), 400,
       v1("unable to parse: line 1: field \"v\": \"\"a\": expected a closing double quote; "
          "stored=0 dropped=1")},
      {request("POST /write?precision=fortnight", "m v=1"), 400,
       v1("precision \"fortnight\": expected n, ns, u, us, ms, s, m or h")},
      {request("POST /api/v2/write?precision=S", "m v=1"), 400,
       v2("invalid", "precision \"S\": expected n, ns, u, us, ms, s, m or h")},
      {write("not gzip", kGzip), 400, v1(kDamaged)},
      {write(kPacked.substr(0, kPacked.size() - 4), kGzip), 400, v1(kDamaged)},
      {write(kPacked + "tail", kGzip), 400, v1(kDamaged)},
      {request("POST /api/v2/write", "", kGzip), 400, v2("invalid", kDamaged)},
      {write("m v=1", "Content-Encoding: br\r\n"), 415,
       v1("Content-Encoding has to be gzip or identity")},
      {request("POST /api/v2/write", "m v=1", "Content-Encoding: deflate\r\n"), 415,
       v2("unsupported media type", "Content-Encoding has to be gzip or identity")},
      {write("m v=1", "Idempotency-Key: " + std::string(257, 'k') + "\r\n"), 400,
       v1("Idempotency-Key is longer than 256 bytes")},
      {request("GET /query"), 400, v1("missing required parameter \"q\"")},
      {request("GET /query?q=SELECT+1"), 400, v1(only)},
      {request("POST /query", "q=DROP+DATABASE+x"), 400, v1(only)},
      problem(request("GET /nothing"), 404, "Not Found", "there is nothing at /nothing"),
      problem(request("POST /write/", "m v=1"), 404, "Not Found", "there is nothing at /write/"),
  };
}

std::vector<Row> bad_for_agent() {
  return {
      {request("GET /write"), 405, v1("the method has to be POST"), "POST"},
      {request("DELETE /api/v2/write"), 405, v2("method not allowed", "the method has to be POST"),
       "POST"},
      {request("DELETE /query?q=x"), 405, v1("the method has to be GET, POST"), "GET, POST"},
      problem(request("GET /api/v1/nodes"), 404, "Not Found", "there is nothing at /api/v1/nodes"),
  };
}

std::vector<Row> bad_for_coordinator() {
  const std::string node =
      "parameter node: expected 1 to 63 of a-z, 0-9, _ and -, not beginning with _ or -";
  const std::string limit = "parameter limit: expected a whole number from 1 to 1000";
  const std::string cursor = "parameter cursor: expected a next_cursor of this list";
  const std::string time =
      ": expected a time of RFC 3339 such as 2024-05-01T12:00:00Z, or integer nanoseconds since "
      "1970";
  const std::string ids = "parameter series: expected ids of series, as /api/v1/series lists them";
  const std::string some = "parameter series: expected at least one id of a series";
  const std::string order = "parameter to: expected a time that is not before \"from\"";
  const std::string points = "parameter points: expected a whole number from 1 to 10000";
  const std::string body =
      R"(expected a JSON object such as {"verb": "ping", "arguments": {}} as the body)";
  const std::string commands = "POST /api/v1/nodes/n1/commands", read = "GET, HEAD, OPTIONS";
  return {
      {request("POST /write?node=A", "m v=1"), 400, v1(node)},
      {request("POST /api/v2/write?node=_x", "m v=1"), 400, v2("invalid", node)},
      wrong_method("GET /write", "/write", "OPTIONS, POST"),
      wrong_method("DELETE /query?q=x", "/query", "GET, HEAD, OPTIONS, POST"),
      wrong_method("POST /api/v1/nodes", "/api/v1/nodes", read),
      wrong_method("DELETE /api/v1/nodes/n1", "/api/v1/nodes/n1", read),
      wrong_method("POST /api/v1/live", "/api/v1/live", read),
      wrong_method("POST /healthz", "/healthz", read),
      wrong_method("PUT /metrics", "/metrics", read),
      wrong_method("POST /", "/", read),
      problem(request("GET /api/v1/nothing"), 404, "Not Found",
              "there is nothing at /api/v1/nothing"),
      problem(request("GET /api/v1/nodes/nobody"), 404, "Not Found", "no such node: nobody"),
      problem(request("GET /api/v1/nodes/nobody/config"), 404, "Not Found", "no such node: nobody"),
      get("/api/v1/nodes?limit=0", limit),
      get("/api/v1/nodes?limit=many", limit),
      get("/api/v1/nodes?limit=1e3", limit),
      get("/api/v1/nodes?limit=1&limit=2", "parameter limit: expected it once"),
      get("/api/v1/nodes?cursor=xyz", cursor),
      get("/api/v1/nodes?times=unix", "parameter times: expected rfc3339 or ns"),
      get("/api/v1/nodes?sort=id", "parameter sort: not known here; expected limit, times, cursor"),
      get("/api/v1/nodes/n1?limit=1", "parameter limit: not known here; expected times"),
      get("/api/v1/nodes/n1/commands?cursor=1", cursor),
      bad(request(commands), body),
      bad(request(commands, "{\"verb\":"), body),
      bad(request(commands, "[]"), body),
      bad(request(commands, "{\"verb\":1}"), body),
      bad(request(commands, "{\"verb\":\"ping\",\"arguments\":[]}"), body),
      bad(request(commands, "{\"verb\":\"reboot\"}"), "the verbs are ping, resend and flash"),
      get("/api/v1/gaps?from=now", "parameter from" + time),
      get("/api/v1/gaps?from=5&to=4", order),
      get("/api/v1/gaps?series=x", ids),
      get("/api/v1/gaps?series=1,x", ids),
      get("/api/v1/gaps?cursor=!", cursor),
      get("/api/v1/series?colour=red",
          "parameter colour: not known here; expected node, measurement, field, limit, times, "
          "cursor, series, tag.*"),
      get("/api/v1/series?limit=-1", limit),
      get("/api/v1/series?cursor=zz", "parameter cursor: expected a next_cursor of /api/v1/series"),
      get("/api/v1/readings", some),
      get("/api/v1/readings?series=", some),
      get("/api/v1/readings?series=0", ids),
      problem(request("GET /api/v1/readings?series=999"), 404, "Not Found",
              "there is no series 999"),
      get("/api/v1/readings?series=1&format=xml", "parameter format: expected json or csv"),
      get("/api/v1/readings?series=1&time=local", "parameter time: expected stored or corrected"),
      get("/api/v1/readings?series=1&from=2024-13-01T00:00:00Z", "parameter from" + time),
      get("/api/v1/readings?series=1&limit=0",
          "parameter limit: expected a whole number from 1 to 100000"),
      get("/api/v1/readings?series=1&cursor=a",
          "parameter cursor: expected a next_cursor of /api/v1/readings for the same series"),
      get("/api/v1/readings/aggregate",
          "parameter series: expected ids of series, or node, measurement, field or tag.* to "
          "choose "
          "them by"),
      get("/api/v1/readings/aggregate?series=1&points=0", points),
      get("/api/v1/readings/aggregate?series=1&points=10001", points),
      get("/api/v1/readings/aggregate?series=1&from=9&to=3", order),
      problem(request("GET /api/v1/readings/aggregate?series=999"), 404, "Not Found",
              "there is no series 999"),
      get("/api/v1/live?series=x", ids),
      problem(request("GET /api/v1/live?series=999"), 404, "Not Found", "there is no series 999"),
      problem(write("m v=1 1", "Origin: http://elsewhere.example\r\n"), 403, "Forbidden",
              "a page of another site may not change anything here"),
  };
}

/// On a connection of its own, which the program closes.
std::string answer_of(std::uint16_t port, const std::string& request) {
  PlainSocket socket = PlainSocket::to_port(port);
  std::string answer;
  if (!socket.send(request)) return answer;
  while (socket.receive(answer)) {
  }
  return answer;
}

void check_rows(std::uint16_t port, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO("request ", row.request.substr(0, 120));
    const std::string answer = answer_of(port, row.request);
    CHECK(answer.starts_with(fmt::format("HTTP/1.1 {} ", row.status)));
    const auto end = answer.find("\r\n\r\n");
    REQUIRE(end != answer.npos);
    CHECK(answer.substr(end + 4) == row.body);
    const std::string allow = "\r\nAllow: " + row.allow + "\r\n";
    CHECK((answer.find(allow) != answer.npos) == !row.allow.empty());
  }
}

double refused(const RealSite& site) {
  const std::string name = "\nfieldpost_http_requests_bad_total ";
  const std::string text = http_call(site.coordinator_port(), "GET", "/metrics").body;
  const auto found = text.find(name);
  REQUIRE(found != text.npos);
  return std::stod(text.substr(found + name.size()));
}

bool answers(std::uint16_t port, const std::string& target) {
  return http_call(port, "GET", target).status / 100 == 2;
}

TEST_CASE("each wrong HTTP request gets its own answer") {
  RealSite site;
  site.coordinator().start();
  site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return answers(site.coordinator_port(), "/healthz"); }));
  REQUIRE(wait_until(kWaitMost, [&] { return answers(site.agent_port(), "/ping"); }));
  // Series 1, which some of the questions are about.
  CHECK(http_call(site.coordinator_port(), "POST", "/write", "m v=1 1").status == 204);
  const double refused_before = refused(site);
  const std::vector<Row> broken = broken_http();
  check_rows(site.agent_port(), broken);
  check_rows(site.agent_port(), bad_writes());
  check_rows(site.agent_port(), bad_for_agent());
  check_rows(site.coordinator_port(), broken);
  check_rows(site.coordinator_port(), bad_writes());
  check_rows(site.coordinator_port(), bad_for_coordinator());
  CHECK(refused(site) - refused_before == static_cast<double>(broken.size()));
  CHECK(site.agent().running());
  CHECK(site.coordinator().running());
}

/// The first bytes of what a request for a large body is answered before the body is sent.
std::string first_words(PlainSocket& socket) {
  std::string got;
  const std::string head = fmt::format(
      "POST /write HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
      32 << 20);
  if (!socket.send(head) || !socket.receive(got)) return {};
  return got.substr(0, got.find('\r'));
}

TEST_CASE("an agent refuses bodies before it holds as many as its memory has room for") {
  RealSite site;
  site.agent().start();
  REQUIRE(wait_until(kWaitMost, [&] { return answers(site.agent_port(), "/ping"); }));
  std::vector<PlainSocket> clients;
  for (int i = 0; i < 3; ++i) {
    CHECK(first_words(clients.emplace_back(PlainSocket::to_port(site.agent_port()))) ==
          "HTTP/1.1 100 Continue");
  }
  PlainSocket refused_client = PlainSocket::to_port(site.agent_port());
  CHECK(first_words(refused_client) == "HTTP/1.1 503 Service Unavailable");
}

}  // namespace
}  // namespace fieldpost::test
